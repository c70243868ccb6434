#include "MxBase/E2eInfer/Model/Model.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "Device.h"
#include "LoadedModel.h"
#include "MxBase/Log/Log.h"

namespace MxBase {
namespace {
const char EXTENSION[] = ".om";

[[noreturn]] void Give(const std::string& reason, APP_ERROR code)
{
    LogError << "MxModel init failed: " << reason << GetErrorInfo(code);
    throw std::runtime_error(GetErrorInfo(APP_ERR_COMM_INIT_FAIL));
}

std::shared_ptr<LoadedModel> Loaded(const std::string& path, int32_t deviceId)
{
    // The SDK's order: the device first (its log says 1001 here, -1 where it can't count them), then the file, then the extension.
    uint32_t devices = Engine::Get().Devices();
    if (deviceId < 0 || deviceId >= static_cast<int32_t>(devices)) {
        Give("no device " + std::to_string(deviceId) + " of " + std::to_string(devices),
             devices == 0 ? APP_ERR_ACL_FAILURE : APP_ERR_COMM_FAILURE);
    }
    APP_ERROR code = UseDevice(deviceId);
    if (code != APP_ERR_OK) {
        Give("device " + std::to_string(deviceId) + " can't be set", code);
    }
    std::string message;
    std::shared_ptr<LoadedModel> model = LoadedModel::Load(path, deviceId, code, message);
    if (!model) {
        Give(message, code);
    }
    const size_t length = sizeof(EXTENSION) - 1;
    if (path.size() < length || path.compare(path.size() - length, length, EXTENSION) != 0) {
        Give(path + ": the name must end in .om (or, on a device, in .mindir)", APP_ERR_COMM_FAILURE);
    }
    return model;
}

/// By way of a file for the moment of loading, since the engine is another process.
std::shared_ptr<LoadedModel> LoadedFromMemory(const void* content, size_t size, int32_t deviceId)
{
    if (content == nullptr || size == 0) {
        Give("modelPtr or modelSize is not set", APP_ERR_COMM_INVALID_PARAM);
    }
    const char* folder = std::getenv("TMPDIR");
    std::string path = std::string(folder != nullptr && *folder != '\0' ? folder : "/tmp") + "/omgate-XXXXXX" + EXTENSION;
    int file = mkstemps(&path[0], static_cast<int>(sizeof(EXTENSION) - 1));
    FILE* stream = file < 0 ? nullptr : fdopen(file, "wb");
    bool written = stream != nullptr && std::fwrite(content, 1, size, stream) == size;
    written = stream != nullptr && std::fclose(stream) == 0 && written;
    try {
        if (!written) {
            Give(path + ": can't be written", APP_ERR_COMM_WRITE_FAIL);
        }
        std::shared_ptr<LoadedModel> model = Loaded(path, deviceId);
        std::remove(path.c_str());
        return model;
    } catch (...) {
        std::remove(path.c_str());
        throw;
    }
}

APP_ERROR Refuse(APP_ERROR code, const std::string& reason)
{
    LogError << "Model Infer failed: " << reason << GetErrorInfo(code);
    return code;
}

/// What ACL refuses, and an execution that fails: -1 whatever its own code is, which the log has.
APP_ERROR Failed(APP_ERROR code, const std::string& reason)
{
    LogError << "Failed to model infer execute: " << reason << GetErrorInfo(code, "aclmdlExecute");
    return Refuse(APP_ERR_ACL_FAILURE, reason);
}

std::string Text(const std::vector<uint32_t>& shape)
{
    std::string text;
    for (uint32_t size : shape) {
        text += (text.empty() ? "" : ",") + std::to_string(size);
    }
    return text;
}

/// Empty where the tensor fits the model at this batch, else why it does not.
std::string Misfit(const TensorInfo& info, const Tensor& tensor, size_t batch)
{
    if (static_cast<int>(tensor.GetDataType()) != static_cast<int>(info.type)) {
        return "input " + info.name + " has element type " + std::to_string(static_cast<int>(tensor.GetDataType())) +
               ", the model wants " + std::to_string(static_cast<int>(info.type));
    }
    std::vector<uint32_t> wanted;
    for (int64_t size : info.shape) {
        wanted.push_back(static_cast<uint32_t>(size < 0 ? static_cast<int64_t>(batch) : size));
    }
    bool fits = tensor.GetShape() == wanted;
    return fits ? "" : "input " + info.name + " has the shape " + Text(tensor.GetShape()) + ", the model wants " + Text(wanted);
}
}  // namespace

Model::Model(std::string& modelPath, const int32_t deviceId) : model_(Loaded(modelPath, deviceId)), deviceId_(deviceId) {}

Model::Model(ModelLoadOptV2& mdlLoadOpt, const int32_t deviceId) : deviceId_(deviceId)
{
    if (mdlLoadOpt.modelType != ModelLoadOptV2::MODEL_TYPE_OM) {
        Give("the emulator loads an OM, nothing else", APP_ERR_COMM_UNREALIZED);
    }
    // Work and weight memory that a program brings along is of no use here, and left alone.
    switch (mdlLoadOpt.loadType) {
        case ModelLoadOptV2::LOAD_MODEL_FROM_FILE:
        case ModelLoadOptV2::LOAD_MODEL_FROM_FILE_WITH_MEM:
            model_ = Loaded(mdlLoadOpt.modelPath, deviceId);
            return;
        case ModelLoadOptV2::LOAD_MODEL_FROM_MEM:
        case ModelLoadOptV2::LOAD_MODEL_FROM_MEM_WITH_MEM:
            model_ = LoadedFromMemory(mdlLoadOpt.modelPtr, mdlLoadOpt.modelSize, deviceId);
            return;
        default:
            Give("unknown loadType", APP_ERR_COMM_INVALID_PARAM);
    }
}

Model::~Model() = default;

APP_ERROR Model::Run(std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, bool allocate)
{
    if (inputs.size() != model_->inputs.size()) {
        return Refuse(APP_ERR_COMM_INVALID_PARAM, std::to_string(inputs.size()) + " input tensors, the model has " +
                                                      std::to_string(model_->inputs.size()));
    }
    if (!allocate && outputs.size() != model_->outputs.size()) {
        return Refuse(APP_ERR_COMM_INVALID_PARAM, std::to_string(outputs.size()) + " output tensors, the model has " +
                                                      std::to_string(model_->outputs.size()));
    }
    APP_ERROR ret = UseDevice(deviceId_);
    if (ret != APP_ERR_OK) {
        return Refuse(ret, "device " + std::to_string(deviceId_) + " can't be set");
    }
    size_t batch = model_->gears.empty() || inputs.empty() || inputs[0].GetShape().empty() ? 0 : inputs[0].GetShape()[0];
    std::vector<Part> parts;
    for (size_t index = 0; index < inputs.size(); ++index) {
        const TensorInfo& info = model_->inputs[index];
        if (inputs[index].IsEmpty()) {
            return Refuse(APP_ERR_COMM_INVALID_POINTER, "input " + info.name + " has no memory");
        }
        std::string misfit = Misfit(info, inputs[index], batch);
        if (!misfit.empty() || inputs[index].GetByteSize() > info.bytes) {
            return Refuse(APP_ERR_COMM_INVALID_PARAM, misfit.empty() ? "input " + info.name + " is larger than the largest gear" : misfit);
        }
        parts.push_back(Part{inputs[index].GetData(), inputs[index].GetByteSize()});
    }
    if (!model_->gears.empty() && !model_->IsGear(batch)) {
        return Failed(APP_ERR_ACL_FAILURE, "batch " + std::to_string(batch) + " is none of the model's gears");
    }
    for (size_t index = 0; !allocate && index < outputs.size(); ++index) {
        const TensorInfo& info = model_->outputs[index];
        if (outputs[index].IsEmpty() || outputs[index].GetByteSize() < model_->BytesAt(info, batch)) {
            return Failed(APP_ERR_INPUT_NOT_MATCH, "output " + info.name + " has room for " + std::to_string(outputs[index].GetByteSize()) +
                                                       " bytes, the model gives " + std::to_string(model_->BytesAt(info, batch)));
        }
    }
    Outputs results;
    std::string message;
    ret = model_->Run(parts, batch, results, message);
    if (ret != APP_ERR_OK) {
        return Failed(ret, message);
    }
    size_t done = 0;
    for (size_t index = 0; index < results.sizes.size(); ++index) {
        const TensorInfo& info = model_->outputs[index];
        Tensor tensor = allocate ? Tensor(results.shapes[index], static_cast<TensorDType>(info.type), deviceId_) : outputs[index];
        // Other sizes than announced happen with the fault knobs only: a new tensor has them, one that is given would hide them.
        size_t wanted = allocate ? tensor.GetByteSize() : model_->BytesAt(info, batch);
        ret = allocate ? tensor.Malloc() : APP_ERR_OK;
        if (ret != APP_ERR_OK || results.sizes[index] != wanted) {
            return Refuse(ret == APP_ERR_OK ? APP_ERR_ACL_FAILURE : ret,
                          "output " + info.name + " came with " + std::to_string(results.sizes[index]) + " bytes, not " + std::to_string(wanted));
        }
        std::memcpy(tensor.GetData(), results.bytes.data() + done, results.sizes[index]);
        done += results.sizes[index];
        if (allocate) {
            outputs.push_back(tensor);
        }
    }
    return APP_ERR_OK;
}

APP_ERROR Model::Infer(std::vector<Tensor>& inputTensors, std::vector<Tensor>& outputTensors, AscendStream&)
{
    return Run(inputTensors, outputTensors, false);
}

std::vector<Tensor> Model::Infer(std::vector<Tensor>& inputTensors)
{
    std::vector<Tensor> outputs;
    return Run(inputTensors, outputs, true) == APP_ERR_OK ? outputs : std::vector<Tensor>();
}

uint32_t Model::GetInputTensorNum() { return static_cast<uint32_t>(model_->inputs.size()); }

uint32_t Model::GetOutputTensorNum() { return static_cast<uint32_t>(model_->outputs.size()); }

namespace {
const TensorInfo* At(const std::vector<TensorInfo>& tensors, uint32_t index)
{
    if (index < tensors.size()) {
        return &tensors[index];
    }
    LogError << "No tensor " << index << ": the model has " << tensors.size() << "." << GetErrorInfo(APP_ERR_COMM_INVALID_PARAM);
    return nullptr;
}
}  // namespace

std::vector<int64_t> Model::GetInputTensorShape(uint32_t index)
{
    const TensorInfo* info = At(model_->inputs, index);
    return info == nullptr ? std::vector<int64_t>() : info->shape;
}

// Unsigned, so that a dynamic batch can't be -1 here; the largest gear takes its place (unconfirmed).
std::vector<uint32_t> Model::GetOutputTensorShape(uint32_t index)
{
    std::vector<uint32_t> shape;
    const TensorInfo* info = At(model_->outputs, index);
    for (int64_t size : info == nullptr ? std::vector<int64_t>() : info->shape) {
        shape.push_back(static_cast<uint32_t>(size < 0 ? model_->batch : size));
    }
    return shape;
}

TensorDType Model::GetInputTensorDataType(uint32_t index)
{
    const TensorInfo* info = At(model_->inputs, index);
    return info == nullptr ? TensorDType::UNDEFINED : static_cast<TensorDType>(info->type);
}

TensorDType Model::GetOutputTensorDataType(uint32_t index)
{
    const TensorInfo* info = At(model_->outputs, index);
    return info == nullptr ? TensorDType::UNDEFINED : static_cast<TensorDType>(info->type);
}

VisionDataFormat Model::GetInputFormat() { return VisionDataFormat::NCHW; }

std::vector<std::vector<uint64_t>> Model::GetDynamicGearInfo()
{
    std::vector<std::vector<uint64_t>> gears;
    for (int64_t gear : model_->gears) {
        gears.push_back({static_cast<uint64_t>(gear)});
    }
    return gears;
}
}  // namespace MxBase
