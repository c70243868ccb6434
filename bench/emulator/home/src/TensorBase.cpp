#include "MxBase/Tensor/TensorBase/TensorBase.h"

#include <algorithm>
#include <cstring>

#include "Device.h"
#include "Memory.h"

namespace MxBase {
namespace {
std::shared_ptr<TensorMemory> Plan(const std::vector<uint32_t>& shape, TensorDataType type, MemoryData::MemoryType kind,
                                   int32_t deviceId)
{
    MemoryData data(ElementCount(shape) * ElementBytes(type), kind, OnHost(kind) ? HOST_DEVICE_ID : deviceId);
    return std::make_shared<TensorMemory>(data, false);
}

APP_ERROR Refuse(APP_ERROR code, const char* what)
{
    LogError << what << GetErrorInfo(code);
    return code;
}
}  // namespace

std::string GetTensorDataTypeDesc(TensorDataType type)
{
    switch (type) {
        case TENSOR_DTYPE_FLOAT32: return "float32";
        case TENSOR_DTYPE_FLOAT16: return "float16";
        case TENSOR_DTYPE_INT8: return "int8";
        case TENSOR_DTYPE_INT32: return "int32";
        case TENSOR_DTYPE_UINT8: return "uint8";
        case TENSOR_DTYPE_INT16: return "int16";
        case TENSOR_DTYPE_UINT16: return "uint16";
        case TENSOR_DTYPE_UINT32: return "uint32";
        case TENSOR_DTYPE_INT64: return "int64";
        case TENSOR_DTYPE_UINT64: return "uint64";
        case TENSOR_DTYPE_DOUBLE64: return "double64";
        case TENSOR_DTYPE_BOOL: return "bool";
        default: return "undefined";
    }
}

TensorBase::TensorBase() = default;

TensorBase& TensorBase::operator=(const TensorBase& other) = default;

TensorBase::TensorBase(const MemoryData& memoryData, const bool& isBorrowed, const std::vector<uint32_t>& shape,
                       const TensorDataType& type)
    : memory_(std::make_shared<TensorMemory>(memoryData, isBorrowed)), shape_(shape), dataType_(type)
{
}

TensorBase::TensorBase(const std::vector<uint32_t>& shape, const TensorDataType& type,
                       const MemoryData::MemoryType& bufferType, const int32_t& deviceId)
    : memory_(Plan(shape, type, bufferType, deviceId)), shape_(shape), dataType_(type)
{
}

// That a device number alone means device memory is unconfirmed.
TensorBase::TensorBase(const std::vector<uint32_t>& shape, const TensorDataType& type, const int32_t& deviceId)
    : TensorBase(shape, type, deviceId < 0 ? MemoryData::MEMORY_HOST : MemoryData::MEMORY_DEVICE, deviceId)
{
}

TensorBase::TensorBase(const std::vector<uint32_t>& shape, const TensorDataType& type)
    : TensorBase(shape, type, MemoryData::MEMORY_HOST, HOST_DEVICE_ID)
{
}

TensorBase::TensorBase(const std::vector<uint32_t>& shape) : TensorBase(shape, TENSOR_DTYPE_UINT8) {}

APP_ERROR TensorBase::TensorBaseMalloc(TensorBase& tensor)
{
    return tensor.memory_ ? tensor.memory_->Allocate() : Refuse(APP_ERR_COMM_INVALID_POINTER, "TensorBaseMalloc: an empty tensor.");
}

APP_ERROR TensorBase::TensorBaseCopy(TensorBase& dst, const TensorBase& src)
{
    if (src.GetBuffer() == nullptr || dst.GetBuffer() == nullptr) {
        return Refuse(APP_ERR_COMM_INVALID_PARAM, "TensorBaseCopy: a tensor without memory.");
    }
    if (dst.MemoryBytes() != src.MemoryBytes()) {
        return Refuse(APP_ERR_COMM_INVALID_PARAM, "TensorBaseCopy: the tensors have different sizes.");
    }
    // From the device of one to the device of the other, each of which has to be there; the last one stays the thread's.
    for (const TensorBase* tensor : {&src, static_cast<const TensorBase*>(&dst)}) {
        APP_ERROR ret = tensor->IsHost() ? static_cast<APP_ERROR>(APP_ERR_OK) : UseDevice(tensor->GetDeviceId());
        if (ret != APP_ERR_OK) {
            return ret;
        }
    }
    return MemoryHelper::MxbsMemcpy(dst.memory_->data, src.memory_->data, src.MemoryBytes());
}

MemoryData::MemoryType TensorBase::GetTensorType() const
{
    return memory_ ? memory_->data.type : MemoryData::MEMORY_HOST_NEW;
}

size_t TensorBase::GetSize() const { return ElementCount(shape_); }

size_t TensorBase::GetByteSize() const { return GetSize() * GetDataTypeSize(); }

size_t TensorBase::MemoryBytes() const { return memory_ ? memory_->data.size : 0; }

std::vector<uint32_t> TensorBase::GetShape() const { return shape_; }

APP_ERROR TensorBase::SetShape(std::vector<uint32_t> shape)
{
    if (ElementCount(shape) != GetSize()) {
        return Refuse(APP_ERR_COMM_INVALID_PARAM, "SetShape: another number of elements.");
    }
    shape_ = shape;
    return APP_ERR_OK;
}

std::vector<uint32_t> TensorBase::GetStrides() const
{
    std::vector<uint32_t> strides(shape_.size(), 1);
    for (size_t axis = shape_.size(); axis-- > 1;) {
        strides[axis - 1] = strides[axis] * shape_[axis];
    }
    return strides;
}

int32_t TensorBase::GetDeviceId() const { return memory_ ? memory_->data.deviceId : HOST_DEVICE_ID; }

TensorDataType TensorBase::GetDataType() const { return dataType_; }

uint32_t TensorBase::GetDataTypeSize() const { return ElementBytes(dataType_); }

bool TensorBase::IsHost() const { return OnHost(GetTensorType()); }

bool TensorBase::IsDevice() const { return !IsHost(); }

void* TensorBase::GetBuffer() const { return memory_ ? memory_->data.ptrData : nullptr; }

APP_ERROR TensorBase::GetBuffer(void*& ptr, const std::vector<uint32_t>& indices) const
{
    if (GetBuffer() == nullptr) {
        return Refuse(APP_ERR_COMM_INVALID_POINTER, "GetBuffer: the tensor has no memory yet.");
    }
    if (indices.size() != shape_.size()) {
        return Refuse(APP_ERR_COMM_OUT_OF_RANGE, "GetBuffer: another number of indices than of dimensions.");
    }
    size_t offset = 0;
    for (size_t axis = 0; axis < indices.size(); ++axis) {
        if (indices[axis] >= shape_[axis]) {
            return Refuse(APP_ERR_COMM_OUT_OF_RANGE, "GetBuffer: an index is out of range.");
        }
        offset = offset * shape_[axis] + indices[axis];
    }
    if ((offset + 1) * GetDataTypeSize() > MemoryBytes()) {
        return Refuse(APP_ERR_COMM_OUT_OF_RANGE, "GetBuffer: the memory is smaller than the shape.");
    }
    ptr = static_cast<char*>(GetBuffer()) + offset * GetDataTypeSize();
    return APP_ERR_OK;
}

APP_ERROR TensorBase::MoveTo(MemoryData::MemoryType type, int32_t deviceId)
{
    if (!memory_) {
        return Refuse(APP_ERR_COMM_INVALID_POINTER, "The tensor is empty.");
    }
    if (GetTensorType() == type && GetDeviceId() == deviceId) {
        return APP_ERR_OK;
    }
    return memory_->MoveTo(type, deviceId);
}

APP_ERROR TensorBase::ToDevice(int32_t deviceId) { return MoveTo(MemoryData::MEMORY_DEVICE, deviceId); }

APP_ERROR TensorBase::ToDvpp(int32_t deviceId) { return MoveTo(MemoryData::MEMORY_DVPP, deviceId); }

APP_ERROR TensorBase::ToHost()
{
    return memory_ && IsHost() ? APP_ERR_OK : MoveTo(MemoryData::MEMORY_HOST, HOST_DEVICE_ID);
}

std::string TensorBase::GetDesc()
{
    std::string shape;
    for (uint32_t size : shape_) {
        shape += (shape.empty() ? "" : ", ") + std::to_string(size);
    }
    return "Tensor of " + GetTensorDataTypeDesc(dataType_) + " (" + shape + ") on device " + std::to_string(GetDeviceId());
}

APP_ERROR TensorBase::CheckTensorValid() const
{
    bool valid = memory_ && GetByteSize() == MemoryBytes() && GetByteSize() > 0;
    return valid ? APP_ERR_OK : Refuse(APP_ERR_COMM_INVALID_PARAM, "The tensor's memory does not have the size of its shape.");
}

APP_ERROR TensorBase::BatchConcat(const std::vector<TensorBase>& inputs, TensorBase& output)
{
    if (inputs.empty() || inputs[0].shape_.empty()) {
        return Refuse(APP_ERR_COMM_INVALID_PARAM, "BatchConcat: nothing to put together.");
    }
    std::vector<uint32_t> shape = inputs[0].shape_;
    shape[0] = 0;
    for (const TensorBase& input : inputs) {
        if (input.shape_.size() != shape.size() || !std::equal(shape.begin() + 1, shape.end(), input.shape_.begin() + 1)) {
            return Refuse(APP_ERR_COMM_INVALID_PARAM, "BatchConcat: the shapes differ beyond the first dimension.");
        }
        shape[0] += input.shape_[0];
    }
    return Join(inputs, shape, output);
}

APP_ERROR TensorBase::BatchStack(const std::vector<TensorBase>& inputs, TensorBase& output)
{
    if (inputs.empty()) {
        return Refuse(APP_ERR_COMM_INVALID_PARAM, "BatchStack: nothing to put together.");
    }
    std::vector<uint32_t> shape = inputs[0].shape_;
    for (const TensorBase& input : inputs) {
        if (input.shape_ != shape) {
            return Refuse(APP_ERR_COMM_INVALID_PARAM, "BatchStack: the shapes differ.");
        }
    }
    shape.insert(shape.begin(), static_cast<uint32_t>(inputs.size()));
    return Join(inputs, shape, output);
}

APP_ERROR TensorBase::BatchVector(const std::vector<TensorBase>& inputs, TensorBase& output, const bool& keepDims)
{
    return keepDims ? BatchConcat(inputs, output) : BatchStack(inputs, output);
}

APP_ERROR TensorBase::Join(const std::vector<TensorBase>& inputs, const std::vector<uint32_t>& shape, TensorBase& output)
{
    const TensorBase& first = inputs[0];
    TensorBase joined(shape, first.dataType_, first.GetTensorType(), first.GetDeviceId());
    APP_ERROR ret = TensorBaseMalloc(joined);
    if (ret != APP_ERR_OK) {
        return ret;
    }
    size_t done = 0;
    for (const TensorBase& input : inputs) {
        size_t size = input.GetByteSize();
        bool apart = input.GetTensorType() != first.GetTensorType() || input.GetDeviceId() != first.GetDeviceId();
        if (apart || input.dataType_ != first.dataType_ || input.GetBuffer() == nullptr || size > input.MemoryBytes()) {
            return Refuse(APP_ERR_COMM_INVALID_PARAM, "The tensors are not of one type or in one place, or one has no memory, or too little.");
        }
        std::memcpy(static_cast<char*>(joined.GetBuffer()) + done, input.GetBuffer(), size);
        done += size;
    }
    output = joined;
    return APP_ERR_OK;
}
}  // namespace MxBase
