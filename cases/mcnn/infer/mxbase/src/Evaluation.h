// A run: every image of a folder through the network, and its count held against its label.
#ifndef MCNN_EVALUATION_H
#define MCNN_EVALUATION_H

#include <string>
#include <vector>

#include "Arguments.h"
#include "Label.h"
#include "Mcnn.h"
#include "Picture.h"
#include "Result.h"

namespace mcnn {
class Evaluation {
public:
    /// Look for the images and make the output folder. Throws UsageError where there is nothing to do.
    explicit Evaluation(const Arguments& arguments);

    /// Measure all images and print what came out; the totals. Throws std::runtime_error where standard output can't be written.
    Totals Run(Mcnn& model);

private:
    void ReadLabels();
    Result Measure(size_t index, Mcnn& model);
    void Count(Result& result, Mcnn& model);

    Arguments arguments_;
    std::vector<std::string> images_;
    std::vector<Label> labels_;  // one an image
    Picture picture_;
};
}  // namespace mcnn

#endif
