// An image file as the network's input: grey levels 0..255, centred in black, neither scaled nor normalised.
#ifndef MCNN_PICTURE_H
#define MCNN_PICTURE_H

#include <string>
#include <vector>

#include "Failure.h"

namespace mcnn {
struct Picture {
    int height = 0;  // of the file, pixels
    int width = 0;
    std::vector<float> input;  // EDGE * EDGE, row by row
    double decodeSeconds = 0;
    double placeSeconds = 0;
};

/// Fill `picture` (its buffer is used again). Throws Failure: "unreadable", or "too-large" for more than EDGE pixels either way.
void ReadPicture(const std::string& path, Picture& picture);
}  // namespace mcnn

#endif
