#include "MxBase/ModelInfer/ModelInferenceProcessor.h"

#include <algorithm>
#include <cstring>

#include "Device.h"
#include "LoadedModel.h"
#include "MxBase/Log/Log.h"

namespace MxBase {
namespace {
const size_t TENSORS_LIMIT = 1024;

TensorDesc Described(const TensorInfo& info) { return TensorDesc{info.bytes, info.name, info.shape}; }

/// An execution that fails, or that ACL refuses: -1 whatever its own code is, which the log has.
APP_ERROR Refuse(const std::string& reason, APP_ERROR code = APP_ERR_INPUT_NOT_MATCH)
{
    LogError << "Failed to model infer execute: " << reason << GetErrorInfo(code, "aclmdlExecute");
    return APP_ERR_ACL_FAILURE;
}
}  // namespace

struct ModelInferenceProcessor::State {
    std::shared_ptr<LoadedModel> model;
    ModelDesc description = {};
    std::vector<ImageSize> imageSizes;

    APP_ERROR Load(const std::string& path);
    APP_ERROR Check(const std::vector<BaseTensor>& inputs, const std::vector<BaseTensor>& outputs, size_t batch) const;
};

APP_ERROR ModelInferenceProcessor::State::Load(const std::string& path)
{
    int32_t device = DeviceInUse();
    if (device < 0) {
        LogError << "Failed to load the model: no device was set." << GetErrorInfo(NO_CONTEXT, "aclrtCreateStream");
        return NO_CONTEXT;
    }
    APP_ERROR code = APP_ERR_OK;
    std::string message;
    model = LoadedModel::Load(path, device, code, message);
    if (!model) {
        LogError << "Failed to load the model: " << message << GetErrorInfo(code, "aclmdlLoadFromFile");
        return code;
    }
    for (const TensorInfo& input : model->inputs) {
        if (input.shape.size() == 4) {
            imageSizes.push_back(ImageSize(static_cast<size_t>(input.shape[2]), static_cast<size_t>(input.shape[3])));
        }
    }
    return APP_ERR_OK;
}

/// Number and bytes, as the execution would. Of a larger input the first bytes count: CANN's graph engine only warns then, and
/// published programs send such. A smaller one is refused, though the engine forgives up to 64 bytes: they would be another's memory.
APP_ERROR ModelInferenceProcessor::State::Check(const std::vector<BaseTensor>& inputs, const std::vector<BaseTensor>& outputs,
                                                size_t batch) const
{
    if (!model) {
        return Refuse("no model is loaded", APP_ERR_COMM_NOT_INIT);
    }
    if (model->gears.empty() != (batch == 0)) {
        return Refuse(batch == 0 ? "the model has batch gears: DYNAMIC_BATCH with one of them" : "the model has no batch gears: STATIC_BATCH");
    }
    if (batch != 0 && !model->IsGear(batch)) {
        return Refuse("batch " + std::to_string(batch) + " is none of the model's gears");
    }
    if (inputs.size() != model->inputs.size() || outputs.size() != model->outputs.size()) {
        return Refuse(std::to_string(inputs.size()) + " inputs and " + std::to_string(outputs.size()) + " outputs, the model has " +
                      std::to_string(model->inputs.size()) + " and " + std::to_string(model->outputs.size()));
    }
    for (size_t index = 0; index < inputs.size(); ++index) {
        const TensorInfo& info = model->inputs[index];
        const std::string said = "input " + info.name + " has " + std::to_string(inputs[index].size) + " bytes, the model wants " +
                                 std::to_string(model->BytesAt(info, batch));
        if (inputs[index].size < model->BytesAt(info, batch) || inputs[index].buf == nullptr) {
            return Refuse(said);
        }
        if (inputs[index].size > info.bytes) {
            LogWarn << said << ": the first of them are taken.";
        }
    }
    for (size_t index = 0; index < outputs.size(); ++index) {
        const TensorInfo& info = model->outputs[index];
        if (outputs[index].size < model->BytesAt(info, batch) || outputs[index].buf == nullptr) {
            return Refuse("output " + info.name + " has room for " + std::to_string(outputs[index].size) + " bytes, the model gives " +
                          std::to_string(model->BytesAt(info, batch)));
        }
    }
    return APP_ERR_OK;
}

ModelInferenceProcessor::ModelInferenceProcessor() : state_(std::make_shared<State>()) {}

APP_ERROR ModelInferenceProcessor::Init(std::string modelPath, ModelDesc& modelDesc)
{
    if (state_->model) {
        LogWarn << "The processor has a model already.";
        return APP_ERR_OK;
    }
    APP_ERROR ret = state_->Load(modelPath);
    if (ret != APP_ERR_OK) {
        return ret;
    }
    for (const TensorInfo& input : state_->model->inputs) {
        modelDesc.inputTensors.push_back(Described(input));
    }
    for (const TensorInfo& output : state_->model->outputs) {
        modelDesc.outputTensors.push_back(Described(output));
    }
    modelDesc.dynamicBatch = !state_->model->gears.empty();
    for (int64_t gear : modelDesc.dynamicBatch ? state_->model->gears : std::vector<int64_t>(1, state_->model->batch)) {
        modelDesc.batchSizes.push_back(static_cast<size_t>(gear));
    }
    return APP_ERR_OK;
}

APP_ERROR ModelInferenceProcessor::Init(const std::string& modelPath)
{
    state_->description = ModelDesc();
    return Init(modelPath, state_->description);
}

APP_ERROR ModelInferenceProcessor::DeInit(void)
{
    if (!state_->model) {
        LogError << "Failed to unload the model: none is loaded." << GetErrorInfo(APP_ERR_ACL_FAILURE);
        return APP_ERR_ACL_FAILURE;
    }
    state_->model.reset();
    return APP_ERR_OK;
}

APP_ERROR ModelInferenceProcessor::ModelInference(std::vector<BaseTensor>& inputTensors, std::vector<BaseTensor>& outputTensors,
                                                  size_t dynamicBatchSize)
{
    APP_ERROR ret = state_->Check(inputTensors, outputTensors, dynamicBatchSize);
    if (ret != APP_ERR_OK) {
        return ret;
    }
    const LoadedModel& model = *state_->model;
    std::vector<Part> parts;
    for (size_t index = 0; index < inputTensors.size(); ++index) {
        parts.push_back(Part{inputTensors[index].buf, model.BytesAt(model.inputs[index], dynamicBatchSize)});
    }
    Outputs results;
    std::string message;
    ret = model.Run(parts, dynamicBatchSize, results, message);
    if (ret != APP_ERR_OK) {
        return Refuse(message, ret);
    }
    size_t done = 0;
    for (size_t index = 0; index < outputTensors.size(); ++index) {
        size_t size = results.sizes[index];
        if (size > outputTensors[index].size) {
            return Refuse("output " + model.outputs[index].name + " came with more bytes than the model announces");
        }
        if (size > 0) {
            std::memcpy(outputTensors[index].buf, results.bytes.data() + done, size);
        }
        done += size;
        // Less than announced happens with the fault knobs only; the size is where a program can see it.
        if (size < model.BytesAt(model.outputs[index], dynamicBatchSize)) {
            outputTensors[index].size = size;
            outputTensors[index].shape.assign(results.shapes[index].begin(), results.shapes[index].end());
        }
    }
    return APP_ERR_OK;
}

APP_ERROR ModelInferenceProcessor::ModelInference(std::vector<BaseTensor>& inputTensors, std::vector<BaseTensor>& outputTensors,
                                                  DynamicInfo dynamicInfo)
{
    if (inputTensors.empty() || outputTensors.empty()) {
        LogError << "No input tensors, or no output tensors." << GetErrorInfo(APP_ERR_COMM_INVALID_PARAM);
        return APP_ERR_COMM_INVALID_PARAM;
    }
    switch (dynamicInfo.dynamicType) {
        case STATIC_BATCH:
            return ModelInference(inputTensors, outputTensors, static_cast<size_t>(0));
        case DYNAMIC_BATCH:
            if (dynamicInfo.batchSize == 0) {
                return Refuse("DYNAMIC_BATCH with a batch of 0; a model with a fixed batch wants STATIC_BATCH");
            }
            return ModelInference(inputTensors, outputTensors, dynamicInfo.batchSize);
        case DYNAMIC_HW:
        case DYNAMIC_DIMS:
        case DYNAMIC_SHAPE:
            return Refuse("the emulator has no dynamic sizes beyond the batch");
        default:
            LogError << "dynamicType(" << dynamicInfo.dynamicType << ") is unknown." << GetErrorInfo(APP_ERR_COMM_FAILURE);
            return APP_ERR_COMM_FAILURE;
    }
}

APP_ERROR ModelInferenceProcessor::ModelInference(const std::vector<TensorBase>& inputTensors,
                                                  std::vector<TensorBase>& outputTensors, DynamicInfo dynamicInfo)
{
    if (inputTensors.size() > TENSORS_LIMIT || outputTensors.size() > TENSORS_LIMIT) {
        LogError << "More than " << TENSORS_LIMIT << " tensors." << GetErrorInfo(APP_ERR_COMM_INVALID_PARAM);
        return APP_ERR_COMM_INVALID_PARAM;
    }
    // Not more than there is, whatever the shape says: a device would go on into another's memory.
    std::vector<BaseTensor> inputs;
    for (const TensorBase& tensor : inputTensors) {
        inputs.push_back(BaseTensor{tensor.GetBuffer(), {}, std::min(tensor.GetByteSize(), tensor.MemoryBytes())});
    }
    std::vector<BaseTensor> outputs;
    for (const TensorBase& tensor : outputTensors) {
        outputs.push_back(BaseTensor{tensor.GetBuffer(), {}, std::min(tensor.GetByteSize(), tensor.MemoryBytes())});
    }
    // As in the SDK, whatever is not DYNAMIC_BATCH runs as STATIC_BATCH here.
    APP_ERROR ret = dynamicInfo.dynamicType == DYNAMIC_BATCH ? ModelInference(inputs, outputs, dynamicInfo)
                                                             : ModelInference(inputs, outputs, static_cast<size_t>(0));
    for (size_t index = 0; ret == APP_ERR_OK && index < outputs.size(); ++index) {
        TensorBase& tensor = outputTensors[index];
        if (outputs[index].size < std::min(tensor.GetByteSize(), tensor.MemoryBytes())) {
            std::vector<uint32_t> shape(outputs[index].shape.begin(), outputs[index].shape.end());
            if (outputs[index].size == 0) {  // of as many dimensions as before: programs look at each of them
                shape = tensor.GetShape();
                shape.front() = 0;
            }
            TensorBase shorter(shape, tensor.GetDataType(), tensor.GetTensorType(), tensor.GetDeviceId());
            if (outputs[index].size > 0 && TensorBase::TensorBaseMalloc(shorter) == APP_ERR_OK) {
                std::memcpy(shorter.GetBuffer(), tensor.GetBuffer(), outputs[index].size);
            }
            tensor = shorter;
        }
    }
    return ret;
}

const std::vector<ImageSize>& ModelInferenceProcessor::GetDynamicImageSizes() const { return state_->imageSizes; }

DynamicType ModelInferenceProcessor::GetDynamicType() const
{
    return state_->model && !state_->model->gears.empty() ? DYNAMIC_BATCH : STATIC_BATCH;
}

const ModelDesc& ModelInferenceProcessor::GetModelDesc() const { return state_->description; }

DataFormat ModelInferenceProcessor::GetDataFormat() const { return NCHW; }

namespace {
std::vector<TensorDataType> Types(const std::vector<TensorInfo>& tensors)
{
    std::vector<TensorDataType> types;
    for (const TensorInfo& tensor : tensors) {
        types.push_back(tensor.type);
    }
    return types;
}

/// ACL's numbers: 0 NCHW, 2 ND.
std::vector<size_t> Formats(const std::vector<TensorInfo>& tensors)
{
    std::vector<size_t> formats;
    for (const TensorInfo& tensor : tensors) {
        formats.push_back(tensor.shape.size() == 4 ? 0 : 2);
    }
    return formats;
}

std::vector<std::vector<int64_t>> Shapes(const std::vector<TensorInfo>& tensors)
{
    std::vector<std::vector<int64_t>> shapes;
    for (const TensorInfo& tensor : tensors) {
        shapes.push_back(tensor.shape);
    }
    return shapes;
}
}  // namespace

std::vector<size_t> ModelInferenceProcessor::GetInputFormat() const
{
    return state_->model ? Formats(state_->model->inputs) : std::vector<size_t>();
}

std::vector<size_t> ModelInferenceProcessor::GetOutputFormat() const
{
    return state_->model ? Formats(state_->model->outputs) : std::vector<size_t>();
}

std::vector<TensorDataType> ModelInferenceProcessor::GetInputDataType() const
{
    return state_->model ? Types(state_->model->inputs) : std::vector<TensorDataType>();
}

std::vector<TensorDataType> ModelInferenceProcessor::GetOutputDataType() const
{
    return state_->model ? Types(state_->model->outputs) : std::vector<TensorDataType>();
}

std::vector<std::vector<int64_t>> ModelInferenceProcessor::GetInputShape() const
{
    return state_->model ? Shapes(state_->model->inputs) : std::vector<std::vector<int64_t>>();
}

std::vector<std::vector<int64_t>> ModelInferenceProcessor::GetOutputShape() const
{
    return state_->model ? Shapes(state_->model->outputs) : std::vector<std::vector<int64_t>>();
}

std::vector<int64_t> ModelInferenceProcessor::GetDynamicBatch() const
{
    return state_->model ? state_->model->gears : std::vector<int64_t>();
}

std::vector<std::vector<uint64_t>> ModelInferenceProcessor::GetDynamicGearInfo()
{
    std::vector<std::vector<uint64_t>> gears;
    for (int64_t gear : GetDynamicBatch()) {
        gears.push_back({static_cast<uint64_t>(gear)});
    }
    return gears;
}
}  // namespace MxBase
