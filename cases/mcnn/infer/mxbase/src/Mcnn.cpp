#include "Mcnn.h"

#include <cstddef>

#include "Clock.h"
#include "MxBase/Log/Log.h"
#include "MxBase/MemoryHelper/MemoryHelper.h"

namespace mcnn {
namespace {
const size_t RANK = 4;

std::string Words(const std::vector<int64_t>& dimensions)
{
    std::string text;
    for (size_t i = 0; i < dimensions.size(); ++i) {
        text += (i ? " x " : "") + std::to_string(dimensions[i]);
    }
    return text.empty() ? "no dimensions" : text;
}

size_t Elements(const std::vector<uint32_t>& shape)
{
    size_t number = 1;
    for (uint32_t size : shape) {
        number *= size;
    }
    return number;
}

MxBase::TensorBase OnDevice(const std::vector<uint32_t>& shape, uint32_t device)
{
    MxBase::TensorBase tensor(shape, MxBase::TENSOR_DTYPE_FLOAT32, MxBase::MemoryData::MEMORY_DEVICE,
                              static_cast<int32_t>(device));
    APP_ERROR code = MxBase::TensorBase::TensorBaseMalloc(tensor);
    if (code != APP_ERR_OK) {
        throw StartError("no memory on the device (TensorBaseMalloc answered " + std::to_string(code) + ")" + ErrorText(code));
    }
    return tensor;
}

void Copy(MxBase::MemoryData to, MxBase::MemoryData from, size_t bytes, const char* what)
{
    APP_ERROR code = MxBase::MemoryHelper::MxbsMemcpy(to, from, bytes);
    if (code != APP_ERR_OK) {
        throw InferError(std::string(what) + " could not be copied (MxbsMemcpy answered " + std::to_string(code) + ")" +
                         ErrorText(code));
    }
}

MxBase::MemoryData DeviceMemory(const MxBase::TensorBase& tensor, uint32_t device)
{
    return MxBase::MemoryData(tensor.GetBuffer(), tensor.GetByteSize(), MxBase::MemoryData::MEMORY_DEVICE,
                              static_cast<int32_t>(device));
}

// The copy only reads or writes through it; MEMORY_HOST_MALLOC is memory that the SDK did not allocate.
MxBase::MemoryData HostMemory(const std::vector<float>& values)
{
    return MxBase::MemoryData(const_cast<float*>(values.data()), values.size() * sizeof(float),
                              MxBase::MemoryData::MEMORY_HOST_MALLOC, 0);
}
}  // namespace

Mcnn::Mcnn(const std::string& modelPath, uint32_t deviceNumber) : device_(deviceNumber)
{
    try {
        Load(modelPath);
        TakeMemory();
    } catch (...) {
        if (loaded_) {
            model_.DeInit();
        }
        throw;
    }
}

Mcnn::~Mcnn()
{
    APP_ERROR code = model_.DeInit();
    if (code != APP_ERR_OK) {
        LogWarn << "DeInit of the model answered " << code << ErrorText(code);
    }
}

void Mcnn::Load(const std::string& modelPath)
{
    MxBase::ModelDesc description;
    APP_ERROR code = model_.Init(modelPath, description);
    if (code != APP_ERR_OK) {
        throw StartError("the model " + modelPath + " can't be loaded (Init answered " + std::to_string(code) +
                         "): it must be an .om file, converted for this chip" + ErrorText(code));
    }
    loaded_ = true;
    try {
        CheckModel(description);
    } catch (const StartError& error) {
        throw StartError(modelPath + ": " + error.what());
    }
    inputShape_.assign(description.inputTensors[0].tensorDims.begin(), description.inputTensors[0].tensorDims.end());
    mapShape_.assign(description.outputTensors[0].tensorDims.begin(), description.outputTensors[0].tensorDims.end());
}

void Mcnn::CheckModel(const MxBase::ModelDesc& description) const
{
    const std::vector<int64_t> wanted = {1, 1, EDGE, EDGE};
    if (description.inputTensors.size() != 1 || description.outputTensors.size() != 1) {
        throw StartError("this model has " + std::to_string(description.inputTensors.size()) + " inputs and " +
                         std::to_string(description.outputTensors.size()) + " outputs; MCNN has one of each");
    }
    if (description.inputTensors[0].tensorDims != wanted) {
        throw StartError("this model takes " + Words(description.inputTensors[0].tensorDims) + "; convert it for " + Words(wanted));
    }
    const std::vector<int64_t>& map = description.outputTensors[0].tensorDims;
    bool fixed = map.size() == RANK;
    for (int64_t size : map) {
        fixed = fixed && size > 0;
    }
    if (!fixed) {
        throw StartError("this model gives " + Words(map) + "; a density map is 1 x 1 x height x width");
    }
    if (model_.GetInputDataType() != std::vector<MxBase::TensorDataType>{MxBase::TENSOR_DTYPE_FLOAT32} ||
        model_.GetOutputDataType() != std::vector<MxBase::TensorDataType>{MapType()}) {
        throw StartError("input and output of this model must be float32: convert it without --input_fp16_nodes, AIPP and --output_type");
    }
}

void Mcnn::TakeMemory()
{
    inputs_.push_back(OnDevice(inputShape_, device_.Number()));
    outputs_.push_back(OnDevice(mapShape_, device_.Number()));
    map_.resize(Elements(mapShape_));
}

const std::vector<float>& Mcnn::Infer(const std::vector<float>& input, DeviceSeconds& seconds)
{
    Clock clock;
    Put(input);
    seconds.transfer = clock.Lap();
    // A copy shares the memory: what the SDK puts in a tensor's place for one image is not there for the next.
    std::vector<MxBase::TensorBase> outputs = outputs_;
    Execute(outputs);
    seconds.infer = clock.Lap();
    Fetch(outputs);
    seconds.fetch = clock.Lap();
    return map_;
}

void Mcnn::Put(const std::vector<float>& input)
{
    Copy(DeviceMemory(inputs_[0], device_.Number()), HostMemory(input), input.size() * sizeof(float), "the input");
}

void Mcnn::Execute(std::vector<MxBase::TensorBase>& outputs)
{
    MxBase::DynamicInfo info = {};
    info.dynamicType = MxBase::STATIC_BATCH;
    info.batchSize = 1;
    APP_ERROR code = model_.ModelInference(inputs_, outputs, info);
    if (code != APP_ERR_OK) {
        throw InferError("ModelInference answered " + std::to_string(code) + ErrorText(code));
    }
}

void Mcnn::Fetch(const std::vector<MxBase::TensorBase>& outputs)
{
    size_t bytes = map_.size() * sizeof(float);
    if (outputs.size() != 1 || outputs[0].GetByteSize() != bytes) {
        throw InferError("the result is not one map of " + std::to_string(bytes) + " bytes");
    }
    Copy(HostMemory(map_), DeviceMemory(outputs[0], device_.Number()), bytes, "the density map");
}
}  // namespace mcnn
