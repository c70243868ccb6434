#include "LoadedModel.h"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <sstream>

namespace MxBase {
namespace {
/// As the program sees it, since the engine stays in the folder where it was started.
std::string Absolute(const std::string& path)
{
    char folder[PATH_MAX];
    if (path.empty() || path[0] == '/' || getcwd(folder, sizeof(folder)) == nullptr) {
        return path;
    }
    return std::string(folder) + "/" + path;
}

std::vector<TensorInfo> Described(const Answer& answer, const std::string& kind)
{
    std::vector<TensorInfo> tensors;
    int64_t count = answer.Number(kind + "s");
    for (int64_t index = 0; index < count; ++index) {
        const std::string prefix = kind + "." + std::to_string(index) + ".";
        tensors.push_back(TensorInfo{answer.Text(prefix + "name"),
                                     static_cast<TensorDataType>(answer.Number(prefix + "dtype")),
                                     Numbers(answer.Text(prefix + "shape")),
                                     static_cast<size_t>(answer.Number(prefix + "bytes"))});
    }
    return tensors;
}
}  // namespace

std::shared_ptr<LoadedModel> LoadedModel::Load(const std::string& path, int32_t device, APP_ERROR& code, std::string& message)
{
    if (path.find('\n') != std::string::npos) {
        code = APP_ERR_COMM_INVALID_PATH;
        message = "a path with a line break";
        return nullptr;
    }
    Answer answer = Engine::Get().Ask("op=load\npath=" + Absolute(path) + "\ndevice=" + std::to_string(device) + "\n");
    code = answer.code;
    message = answer.message;
    if (code != APP_ERR_OK) {
        return nullptr;
    }
    std::shared_ptr<LoadedModel> model(new LoadedModel());
    model->number_ = answer.Number("model");
    model->batch = answer.Number("batch");
    model->gears = Numbers(answer.Text("gears"));
    model->inputs = Described(answer, "input");
    model->outputs = Described(answer, "output");
    model->epoch_ = Engine::Get().Epoch();
    return model;
}

LoadedModel::~LoadedModel()
{
    if (Engine::Get().Epoch() == epoch_) {
        Engine::Get().Ask("op=unload\nmodel=" + std::to_string(number_) + "\n");
    }
}

bool LoadedModel::IsGear(size_t asked) const
{
    return std::find(gears.begin(), gears.end(), static_cast<int64_t>(asked)) != gears.end();
}

size_t LoadedModel::BytesAt(const TensorInfo& tensor, size_t asked) const
{
    bool scaled = !gears.empty() && asked > 0 && batch > 0 && !tensor.shape.empty() && tensor.shape[0] < 0;
    return scaled ? tensor.bytes / static_cast<size_t>(batch) * asked : tensor.bytes;
}

APP_ERROR LoadedModel::Run(const std::vector<Part>& parts, size_t asked, Outputs& result, std::string& message) const
{
    if (Engine::Get().Epoch() != epoch_) {
        message = "the devices were released, or their engine has ended, since the model was loaded";
        return APP_ERR_COMM_NOT_INIT;
    }
    std::string header = "op=infer\nmodel=" + std::to_string(number_) + "\n";
    header += asked > 0 ? "batch=" + std::to_string(asked) + "\n" : "";
    header += "bytes=";
    for (size_t index = 0; index < parts.size(); ++index) {
        header += (index > 0 ? "," : "") + std::to_string(parts[index].size);
    }
    Answer answer = Engine::Get().Ask(header + "\n", parts);
    message = answer.message;
    if (answer.code != APP_ERR_OK) {
        return answer.code;
    }
    size_t total = 0;
    for (int64_t size : Numbers(answer.Text("bytes"))) {
        result.sizes.push_back(static_cast<size_t>(size));
        total += static_cast<size_t>(size);
    }
    std::istringstream shapes(answer.Text("shapes"));
    for (std::string shape; std::getline(shapes, shape, ';');) {
        std::vector<int64_t> numbers = Numbers(shape);
        result.shapes.push_back(std::vector<uint32_t>(numbers.begin(), numbers.end()));
    }
    result.shapes.resize(result.sizes.size());
    result.bytes.swap(answer.payload);
    if (total != result.bytes.size() || result.sizes.size() != outputs.size()) {
        message = "the engine's answer has other outputs than the model";
        return APP_ERR_COMM_INNER;
    }
    return APP_ERR_OK;
}
}  // namespace MxBase
