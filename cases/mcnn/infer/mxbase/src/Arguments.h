// The command line.
#ifndef MCNN_ARGUMENTS_H
#define MCNN_ARGUMENTS_H

#include <cstdint>
#include <stdexcept>
#include <string>

namespace mcnn {
/// Used wrongly; the message says how.
struct UsageError : std::runtime_error {
    explicit UsageError(const std::string& text) : std::runtime_error(text) {}
};

struct Arguments {
    std::string model;
    std::string images;  // folder
    std::string labels;  // folder; empty where the program runs without labels
    std::string output;  // folder
    uint32_t device = 0;
    bool help = false;
};

extern const char* const USAGE;

/// Throws UsageError.
Arguments ReadArguments(int count, const char* const* words);
}  // namespace mcnn

#endif
