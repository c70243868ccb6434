// Ground truth: the sum of a density map in a CSV file, a line a row.
#ifndef MCNN_LABEL_H
#define MCNN_LABEL_H

#include <string>

#include "Failure.h"

namespace mcnn {
/// What is known of an image's true count: `failure` says why it is not known, empty where `count` holds.
struct Label {
    std::string path;
    bool wanted = true;  // false where the program runs without labels
    double count = 0;    // people
    std::string failure;
};

/// Read a label; never throws. Anything but rows of one length of finite numbers >= 0 is a failure.
Label ReadLabel(const std::string& path);
}  // namespace mcnn

#endif
