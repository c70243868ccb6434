// Why one image has no count. The program goes on with the next image, and ends with status 1.
#ifndef MCNN_FAILURE_H
#define MCNN_FAILURE_H

#include <stdexcept>
#include <string>

namespace mcnn {
struct Failure : std::runtime_error {
    /// `word` is one of: unreadable, too-large, no-label, infer-failed, not-finite, not-written.
    Failure(const std::string& word, const std::string& detail) : std::runtime_error(detail), reason(word) {}

    std::string reason;
};
}  // namespace mcnn

#endif
