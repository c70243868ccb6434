#include "Evaluation.h"

#include <cmath>

#include "Clock.h"
#include "Files.h"
#include "Lines.h"

namespace mcnn {
namespace {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the density maps are written as they lie in memory, and must be little-endian"
#endif

// In double: a float32 sum of 65536 values is off by up to 5e-5 of itself, and depends on the order.
double SumOf(const std::vector<float>& map)
{
    double sum = 0;
    for (float value : map) {
        sum += static_cast<double>(value);
    }
    return sum;
}
}  // namespace

Evaluation::Evaluation(const Arguments& arguments) : arguments_(arguments)
{
    try {
        images_ = ImagesIn(arguments_.images);
        if (images_.empty()) {
            throw UsageError("the folder " + arguments_.images + " holds no image (jpg, jpeg, png, bmp, pgm)");
        }
        if (!arguments_.labels.empty() && !IsFolder(arguments_.labels)) {
            throw UsageError("no folder of labels: " + arguments_.labels + " (- runs without labels)");
        }
        MakeFolder(arguments_.output);
    } catch (const FileError& error) {
        throw UsageError(error.what());
    }
}

Totals Evaluation::Run(Mcnn& model)
{
    ReadLabels();
    LogBeginning(model, images_);
    Totals totals;
    Clock clock;
    for (size_t index = 0; index < images_.size(); ++index) {
        LogImage(index, images_[index]);
        const Result result = Measure(index, model);
        totals.Add(result);
        LogResult(result);
        PrintResult(result, model);
    }
    LogEnd(totals, clock.Lap());
    PrintEnd(totals);
    return totals;
}

// Before the clock runs: parsing a label takes longer than a device takes to infer.
void Evaluation::ReadLabels()
{
    for (const std::string& image : images_) {
        Label label;
        label.wanted = !arguments_.labels.empty();
        labels_.push_back(label.wanted ? ReadLabel(Join(arguments_.labels, Stem(image) + ".csv")) : label);
    }
}

Result Evaluation::Measure(size_t index, Mcnn& model)
{
    Result result;
    result.index = index;
    result.image = images_[index];
    result.label = labels_[index];
    try {
        Count(result, model);
    } catch (const Failure& failure) {
        result.reason = failure.reason;
        result.detail = failure.what();
    } catch (const InferError& error) {
        result.reason = "infer-failed";
        result.detail = error.what();
    } catch (const FileError& error) {
        result.reason = "not-written";
        result.detail = error.what();
    }
    return result;
}

void Evaluation::Count(Result& result, Mcnn& model)
{
    if (!result.label.failure.empty()) {
        throw Failure("no-label", result.label.failure);
    }
    ReadPicture(Join(arguments_.images, result.image), picture_);
    result.decodeSeconds = picture_.decodeSeconds;
    result.placeSeconds = picture_.placeSeconds;
    LogSize(picture_.height, picture_.width);
    const std::vector<float>& map = model.Infer(picture_.input, result.device);
    LogTensors(model, picture_.input.size());
    result.predicted = SumOf(map);
    if (!std::isfinite(result.predicted)) {
        throw Failure("not-finite", "the density map holds NaN or infinity");
    }
    result.map = Stem(result.image) + ".f32";
    WriteFile(Join(arguments_.output, result.map), map.data(), map.size() * sizeof(float));
}
}  // namespace mcnn
