// What became of one image, and of all.
#ifndef MCNN_RESULT_H
#define MCNN_RESULT_H

#include <cmath>
#include <cstddef>
#include <string>

#include "Label.h"
#include "Mcnn.h"

namespace mcnn {
struct Result {
    size_t index = 0;
    std::string image;   // file name
    std::string reason;  // empty where the image was counted; else see Failure
    std::string detail;
    Label label;
    double predicted = 0;  // people
    std::string map;       // file name in the output folder
    double decodeSeconds = 0;
    double placeSeconds = 0;
    DeviceSeconds device;

    bool Counted() const { return reason.empty(); }
    double Error() const { return predicted - label.count; }
};

/// Mean absolute error and root mean squared error, over the images that were counted and have a label.
class Totals {
public:
    void Add(const Result& result)
    {
        ++images;
        if (!result.Counted()) {
            ++failed;
            return;
        }
        inferSeconds += result.device.infer;
        if (result.label.wanted) {
            ++compared;
            absolute += std::fabs(result.Error());
            squared += result.Error() * result.Error();
        }
    }
    // Where there is nothing to compare both are NaN, which is printed as null, or not at all.
    double Mae() const { return absolute / static_cast<double>(compared); }
    double Rmse() const { return std::sqrt(squared / static_cast<double>(compared)); }

    size_t images = 0;
    size_t failed = 0;
    size_t compared = 0;
    double inferSeconds = 0;

private:
    double absolute = 0;
    double squared = 0;
};
}  // namespace mcnn

#endif
