#include "MxBase/E2eInfer/Tensor/Tensor.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "Device.h"
#include "Engine.h"
#include "Memory.h"
#include "MxBase/Log/Log.h"

namespace MxBase {
namespace {
APP_ERROR Refuse(APP_ERROR code, const char* what)
{
    LogError << what << GetErrorInfo(code);
    return code;
}

size_t Bytes(const std::vector<uint32_t>& shape, TensorDType type)
{
    return ElementCount(shape) * ElementBytes(static_cast<int>(type));
}

MemoryData::MemoryType KindOf(int32_t deviceId, bool isDvpp)
{
    if (deviceId < 0) {
        return MemoryData::MEMORY_HOST_MALLOC;
    }
    return isDvpp ? MemoryData::MEMORY_DVPP : MemoryData::MEMORY_DEVICE;
}

bool IsDevice(int32_t deviceId) { return deviceId >= 0 && deviceId < static_cast<int32_t>(Engine::Get().Devices()); }

/// The number that is given, where there is such a device or it means the host. Throws std::runtime_error.
int32_t Place(int32_t deviceId)
{
    if (deviceId != HOST_DEVICE_ID && !IsDevice(deviceId)) {
        LogError << "Get wrong device Id(" << deviceId << ")." << GetErrorInfo(APP_ERR_COMM_INVALID_PARAM);
        throw std::runtime_error(GetErrorInfo(APP_ERR_COMM_INIT_FAIL));
    }
    return deviceId;
}

/// float32 to the nearest float16, halves to even.
uint16_t Half(float value)
{
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    uint16_t sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
    uint32_t magnitude = bits & 0x7FFFFFFF;
    if (magnitude >= 0x7F800000) {
        return sign | (magnitude > 0x7F800000 ? 0x7E00 : 0x7C00);
    }
    int32_t exponent = static_cast<int32_t>(magnitude >> 23) - 127 + 15;
    uint32_t mantissa = (magnitude & 0x7FFFFF) | 0x800000;
    int shift = exponent > 0 ? 13 : 14 - exponent;
    if (shift > 24) {
        return sign;
    }
    uint32_t half = mantissa >> shift;
    uint32_t rest = mantissa & ((1U << shift) - 1);
    uint32_t middle = 1U << (shift - 1);
    half += rest > middle || (rest == middle && (half & 1)) ? 1 : 0;
    half += exponent > 0 ? static_cast<uint32_t>(exponent - 1) << 10 : 0;
    return static_cast<uint16_t>(sign | std::min<uint32_t>(half, 0x7C00));
}

template <typename T>
APP_ERROR Fill(Tensor& tensor, TensorDType type, T value)
{
    if (tensor.GetDataType() != type || tensor.GetData() == nullptr) {
        return Refuse(APP_ERR_COMM_INVALID_PARAM, "SetTensorValue: the tensor has another element type, or no memory.");
    }
    std::fill_n(static_cast<T*>(tensor.GetData()), tensor.GetByteSize() / sizeof(T), value);
    return APP_ERR_OK;
}
}  // namespace

Tensor::Tensor() = default;
Tensor::~Tensor() = default;
Tensor::Tensor(const Tensor& other) = default;
Tensor& Tensor::operator=(const Tensor& other) = default;

bool Tensor::operator==(const Tensor& other) { return memory_ == other.memory_ && shape_ == other.shape_ && dataType_ == other.dataType_; }

Tensor::Tensor(const std::vector<uint32_t>& shape, const TensorDType& dataType, const int32_t& deviceId)
    : Tensor(shape, dataType, deviceId, false)
{
}

Tensor::Tensor(const std::vector<uint32_t>& shape, const TensorDType& dataType, const int32_t& deviceId, bool isDvpp)
    : Tensor(nullptr, shape, dataType, deviceId, isDvpp, false)
{
}

Tensor::Tensor(void* usrData, const std::vector<uint32_t>& shape, const TensorDType& dataType, const int32_t& deviceId)
    : Tensor(usrData, shape, dataType, deviceId, false, true)
{
}

Tensor::Tensor(void* usrData, const std::vector<uint32_t>& shape, const TensorDType& dataType, const int32_t& deviceId,
               const bool isDvpp, const bool isBorrowed)
    : memory_(std::make_shared<TensorMemory>(MemoryData(usrData, Bytes(shape, dataType), KindOf(deviceId, isDvpp), Place(deviceId)), isBorrowed)),
      shape_(shape),
      dataType_(dataType)
{
}

void* Tensor::GetData() const { return memory_ ? memory_->data.ptrData : nullptr; }

std::vector<uint32_t> Tensor::GetShape() const { return shape_; }

APP_ERROR Tensor::SetShape(std::vector<uint32_t> shape)
{
    if (Bytes(shape, dataType_) != GetByteSize()) {
        return Refuse(APP_ERR_COMM_INVALID_PARAM, "SetShape: another number of elements.");
    }
    shape_ = shape;
    return APP_ERR_OK;
}

TensorDType Tensor::GetDataType() const { return dataType_; }

MemoryData::MemoryType Tensor::GetMemoryType() const { return memory_ ? memory_->data.type : MemoryData::MEMORY_HOST_MALLOC; }

size_t Tensor::GetByteSize() const { return memory_ ? memory_->data.size : 0; }

int32_t Tensor::GetDeviceId() const { return memory_ ? memory_->data.deviceId : HOST_DEVICE_ID; }

APP_ERROR Tensor::MoveTo(MemoryData::MemoryType type, int32_t deviceId)
{
    if (!memory_) {
        return Refuse(APP_ERR_COMM_INVALID_POINTER, "The tensor is empty.");
    }
    if (!OnHost(type) && !IsDevice(deviceId)) {
        LogError << "Get wrong device Id(" << deviceId << ")." << GetErrorInfo(APP_ERR_COMM_INVALID_PARAM);
        return APP_ERR_COMM_INVALID_PARAM;
    }
    bool there = GetMemoryType() == type && GetDeviceId() == deviceId;
    return there ? APP_ERR_OK : memory_->MoveTo(type, deviceId);
}

APP_ERROR Tensor::ToDevice(int32_t deviceId) { return MoveTo(MemoryData::MEMORY_DEVICE, deviceId); }

APP_ERROR Tensor::ToDvpp(int32_t deviceId) { return MoveTo(MemoryData::MEMORY_DVPP, deviceId); }

APP_ERROR Tensor::ToHost() { return MoveTo(MemoryData::MEMORY_HOST_MALLOC, HOST_DEVICE_ID); }

APP_ERROR Tensor::SetTensorValue(uint8_t value, AscendStream&) { return Fill(*this, TensorDType::UINT8, value); }

APP_ERROR Tensor::SetTensorValue(int32_t value, AscendStream&) { return Fill(*this, TensorDType::INT32, value); }

APP_ERROR Tensor::SetTensorValue(float value, bool IsFloat16, AscendStream&)
{
    return IsFloat16 ? Fill(*this, TensorDType::FLOAT16, Half(value)) : Fill(*this, TensorDType::FLOAT32, value);
}

APP_ERROR Tensor::TensorMalloc(Tensor& tensor) { return tensor.Malloc(); }

APP_ERROR Tensor::Malloc()
{
    return memory_ ? memory_->Allocate() : Refuse(APP_ERR_COMM_INVALID_POINTER, "Malloc: an empty tensor.");
}

bool Tensor::IsEmpty() const { return GetData() == nullptr; }

APP_ERROR Tensor::TensorFree(Tensor& tensor)
{
    if (tensor.IsEmpty()) {
        return Refuse(APP_ERR_COMM_INVALID_POINTER, "TensorFree: an empty tensor.");
    }
    tensor.memory_->Release();
    return APP_ERR_OK;
}

APP_ERROR BatchConcat(const std::vector<Tensor>& inputs, Tensor& output)
{
    if (inputs.empty() || inputs[0].shape_.empty()) {
        return Refuse(APP_ERR_COMM_INVALID_PARAM, "BatchConcat: nothing to put together.");
    }
    std::vector<uint32_t> shape = inputs[0].shape_;
    shape[0] = 0;
    for (const Tensor& input : inputs) {
        bool fits = input.dataType_ == inputs[0].dataType_ && input.shape_.size() == shape.size() && !input.IsEmpty() &&
                    std::equal(shape.begin() + 1, shape.end(), input.shape_.begin() + 1);
        if (!fits) {
            return Refuse(APP_ERR_COMM_INVALID_PARAM, "BatchConcat: the shapes or types differ, or a tensor has no memory.");
        }
        shape[0] += input.shape_[0];
    }
    Tensor joined(shape, inputs[0].dataType_, inputs[0].GetDeviceId());
    APP_ERROR ret = joined.Malloc();
    size_t done = 0;
    for (size_t index = 0; ret == APP_ERR_OK && index < inputs.size(); ++index) {
        std::memcpy(static_cast<char*>(joined.GetData()) + done, inputs[index].GetData(), inputs[index].GetByteSize());
        done += inputs[index].GetByteSize();
    }
    output = ret == APP_ERR_OK ? joined : output;
    return ret;
}

APP_ERROR Tensor::DoTranspose(const Tensor& input, Tensor& output, std::vector<uint32_t> axes)
{
    size_t rank = input.shape_.size();
    if (axes.empty()) {
        for (size_t axis = rank; axis-- > 0;) {
            axes.push_back(static_cast<uint32_t>(axis));
        }
    }
    std::vector<uint32_t> sorted = axes;
    std::sort(sorted.begin(), sorted.end());
    bool valid = rank >= 2 && rank <= 6 && sorted.size() == rank && !input.IsEmpty();
    for (size_t axis = 0; valid && axis < rank; ++axis) {
        valid = sorted[axis] == axis;
    }
    if (!valid) {
        return Refuse(APP_ERR_COMM_INVALID_PARAM, "Transpose: 2 to 6 dimensions, each axis once.");
    }
    std::vector<size_t> strides(rank, 1);
    for (size_t axis = rank; axis-- > 1;) {
        strides[axis - 1] = strides[axis] * input.shape_[axis];
    }
    std::vector<uint32_t> shape;
    for (uint32_t axis : axes) {
        shape.push_back(input.shape_[axis]);
    }
    Tensor turned(shape, input.dataType_, input.GetDeviceId());
    APP_ERROR ret = turned.Malloc();
    if (ret != APP_ERR_OK) {
        return ret;
    }
    size_t element = ElementBytes(static_cast<int>(input.dataType_));
    const char* from = static_cast<const char*>(input.GetData());
    char* to = static_cast<char*>(turned.GetData());
    std::vector<uint32_t> index(rank, 0);
    for (size_t count = ElementCount(shape); count-- > 0; to += element) {
        size_t offset = 0;
        for (size_t axis = 0; axis < rank; ++axis) {
            offset += index[axis] * strides[axes[axis]];
        }
        std::memcpy(to, from + offset * element, element);
        for (size_t axis = rank; axis-- > 0 && ++index[axis] == shape[axis];) {
            index[axis] = 0;
        }
    }
    output = turned;
    return APP_ERR_OK;
}
}  // namespace MxBase
