#include "Lines.h"

#include <numeric>

#include "Json.h"
#include "MxBase/Log/Log.h"

namespace mcnn {
namespace {
const double MILLISECONDS = 1000.0;

void LogShape(const std::string& which, const std::vector<uint32_t>& shape)
{
    LogInfo << "The shape of Model " << which << " Tensors is as follows:";
    LogInfo << "  Tensor 0:";
    for (size_t i = 0; i < shape.size(); ++i) {
        LogInfo << "   dim: " << i << ": " << shape[i];
    }
}

// A line break in a file's name must not begin a new line in the log.
std::string OneLine(const std::string& text)
{
    std::string line = text;
    for (char& letter : line) {
        if (static_cast<unsigned char>(letter) < 0x20) {
            letter = '?';
        }
    }
    return line;
}

std::string WithCommas(const std::vector<uint32_t>& shape)
{
    std::string text;
    for (uint32_t size : shape) {
        text += (text.empty() ? "" : ", ") + std::to_string(size);
    }
    return text;
}
}  // namespace

void LogBeginning(const Mcnn& model, const std::vector<std::string>& images)
{
    LogShape("Input", model.InputShape());
    LogShape("Output", model.MapShape());
    for (const std::string& image : images) {
        LogInfo << OneLine(image);
    }
}

void LogImage(size_t index, const std::string& image)
{
    LogInfo << index;
    LogInfo << OneLine(image);
}

void LogSize(int height, int width)
{
    LogInfo << "1," << height << "," << width;
}

void LogTensors(const Mcnn& model, size_t inputValues)
{
    const std::vector<uint32_t>& shape = model.MapShape();
    const size_t values = std::accumulate(shape.begin(), shape.end(), size_t(1), [](size_t a, uint32_t b) { return a * b; });
    LogInfo << "dataSize:" << inputValues;  // of values, by the field's custom; not of bytes
    LogInfo << "output_size:1";
    LogInfo << "output0_datatype:" << model.MapType();
    LogInfo << "output0_shape:" << WithCommas(shape);
    LogInfo << "output0_bytesize:" << values * sizeof(float);
}

void LogResult(const Result& result)
{
    if (!result.Counted()) {
        LogError << OneLine(result.image) << ": " << result.reason << ": " << OneLine(result.detail);
        return;
    }
    if (result.label.wanted) {
        LogInfo << OneLine(result.label.path);
    }
    LogInfo << "pre:" << result.predicted;
    if (result.label.wanted) {
        LogInfo << "gt:" << result.label.count;
        LogInfo << "mae:" << std::fabs(result.Error());
    }
}

void LogEnd(const Totals& totals, double seconds)
{
    if (totals.compared > 0) {
        LogInfo << "mae:" << totals.Mae();
        LogInfo << "mse:" << totals.Rmse();
    }
    if (totals.inferSeconds > 0) {
        LogInfo << "[Process Delay] cost: " << seconds * MILLISECONDS
                << " ms\tfps: " << static_cast<double>(totals.images - totals.failed) / totals.inferSeconds << " imgs/sec";
    }
    if (totals.failed > 0) {
        LogError << totals.failed << " of " << totals.images << " images failed; the figures leave them out";
    }
}

void PrintResult(const Result& result, const Mcnn& model)
{
    JsonLine line;
    line.Add("image", result.image).Add("index", result.index).Add("status", result.Counted() ? "ok" : "failed");
    if (result.Counted()) {
        line.Add("predicted", result.predicted);
    } else {
        line.Add("reason", result.reason).Add("detail", result.detail).AddNull("predicted");
    }
    if (result.label.wanted && result.label.failure.empty()) {
        line.Add("true", result.label.count);
    } else {
        line.AddNull("true");
    }
    if (result.Counted()) {
        line.Add("shape", model.MapShape()).Add("map", result.map);
        line.Add("decode_seconds", result.decodeSeconds).Add("preprocess_seconds", result.placeSeconds);
        line.Add("transfer_seconds", result.device.transfer).Add("infer_seconds", result.device.infer);
        line.Add("fetch_seconds", result.device.fetch);
    }
    line.Print();
}

void PrintEnd(const Totals& totals)
{
    JsonLine line;
    line.Add("done", true).Add("images", totals.images).Add("failed", totals.failed);
    line.Add("mae", totals.Mae()).Add("rmse", totals.Rmse()).Print();
}
}  // namespace mcnn
