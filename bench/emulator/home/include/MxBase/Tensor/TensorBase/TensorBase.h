// A tensor of the first C++ interface: typed memory with a shape, on the host or on a device.
//
// Copies share the memory, as in the SDK. In the emulator device memory is this process's memory too: IsHost, IsDevice, GetDeviceId,
// ToHost and ToDevice keep honest accounts, and GetValue refuses a tensor that is not on the host, but reading GetBuffer() of a device
// tensor works here and crashes on a device.
#ifndef OMGATE_MXBASE_TENSOR_BASE_H
#define OMGATE_MXBASE_TENSOR_BASE_H

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <limits>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "MxBase/ErrorCode/ErrorCode.h"
#include "MxBase/Log/Log.h"
#include "MxBase/MemoryHelper/MemoryHelper.h"
#include "MxBase/Tensor/TensorBase/TensorDataType.h"

namespace MxBase {
/// `float32`, `uint8`, ... for messages.
std::string GetTensorDataTypeDesc(TensorDataType type);

class TensorMemory;

class TensorBase {
public:
    TensorBase();
    virtual ~TensorBase() = default;
    TensorBase(const TensorBase& tensor) = default;
    TensorBase& operator=(const TensorBase& other);

    /// Over existing memory, which is freed with the last copy (by memoryData.free) unless it is borrowed.
    TensorBase(const MemoryData& memoryData, const bool& isBorrowed, const std::vector<uint32_t>& shape,
               const TensorDataType& type);
    // Without memory until TensorBaseMalloc; on the host where no device is given.
    TensorBase(const std::vector<uint32_t>& shape, const TensorDataType& type, const MemoryData::MemoryType& bufferType,
               const int32_t& deviceId);
    TensorBase(const std::vector<uint32_t>& shape, const TensorDataType& type, const int32_t& deviceId);
    TensorBase(const std::vector<uint32_t>& shape, const TensorDataType& type);
    TensorBase(const std::vector<uint32_t>& shape);

    /// 1004 for device memory of a device that is not here.
    static APP_ERROR TensorBaseMalloc(TensorBase& tensor);
    /// Copy the bytes, between host and devices as it comes. 1004 where either has no memory, or their sizes differ.
    static APP_ERROR TensorBaseCopy(TensorBase& dst, const TensorBase& src);

    MemoryData::MemoryType GetTensorType() const;
    /// Number of elements.
    size_t GetSize() const;
    /// Of the shape and the type, as in the SDK: the memory behind it may be larger.
    size_t GetByteSize() const;
    std::vector<uint32_t> GetShape() const;
    APP_ERROR SetShape(std::vector<uint32_t> shape);
    /// In elements.
    std::vector<uint32_t> GetStrides() const;
    int32_t GetDeviceId() const;
    TensorDataType GetDataType() const;
    /// Bytes of one element.
    uint32_t GetDataTypeSize() const;
    bool IsHost() const;
    bool IsDevice() const;
    void* GetBuffer() const;
    APP_ERROR GetBuffer(void*& ptr, const std::vector<uint32_t>& indices) const;
    APP_ERROR ToDevice(int32_t deviceId);
    APP_ERROR ToDvpp(int32_t deviceId);
    APP_ERROR ToHost();
    /// Shape, type and device in words.
    std::string GetDesc();
    APP_ERROR CheckTensorValid() const;

    // Several tensors to one: along the first dimension (BatchConcat), along a new one (BatchStack), or as keepDims says.
    static APP_ERROR BatchConcat(const std::vector<TensorBase>& inputs, TensorBase& output);
    static APP_ERROR BatchStack(const std::vector<TensorBase>& inputs, TensorBase& output);
    static APP_ERROR BatchVector(const std::vector<TensorBase>& inputs, TensorBase& output, const bool& keepDims = false);

    template <typename... Param>
    static APP_ERROR CreateTensorBase(TensorBase& tensor, Param... params)
    {
        tensor = TensorBase(params...);
        return tensor.CheckTensorValid();
    }

    /// The address of one element: indices one by one, or as one vector.
    template <typename T, typename... Ix>
    APP_ERROR GetBuffer(T*& value, Ix... index) const
    {
        std::vector<uint32_t> indices;
        AddIndices(indices, index...);
        void* pointer = nullptr;
        APP_ERROR ret = GetBuffer(pointer, indices);
        if (ret == APP_ERR_OK) {
            value = static_cast<T*>(pointer);
        }
        return ret;
    }

    /// One element of a host tensor; 1001 on a device, or where T has another size than the elements.
    template <typename T, typename... Ix>
    APP_ERROR GetValue(T& value, Ix... index) const
    {
        if (!IsHost() || sizeof(T) != GetDataTypeSize()) {
            LogError << "GetValue: the tensor is " << (IsHost() ? "of another element size." : "not on the host.")
                     << GetErrorInfo(APP_ERR_COMM_FAILURE);
            return APP_ERR_COMM_FAILURE;
        }
        T* pointer = nullptr;
        APP_ERROR ret = GetBuffer(pointer, index...);
        if (ret == APP_ERR_OK) {
            value = *pointer;
        }
        return ret;
    }

private:
    static void AddIndices(std::vector<uint32_t>&) {}
    template <typename U, typename = typename std::enable_if<std::is_integral<U>::value>::type, typename... Ix>
    static void AddIndices(std::vector<uint32_t>& indices, U value, Ix... others)
    {
        indices.push_back(static_cast<uint32_t>(value));
        AddIndices(indices, others...);
    }
    template <typename U>
    static void AddIndices(std::vector<uint32_t>& indices, const std::vector<U>& values)
    {
        for (U value : values) {
            indices.push_back(static_cast<uint32_t>(value));
        }
    }
    friend class ModelInferenceProcessor;
    size_t MemoryBytes() const;
    APP_ERROR MoveTo(MemoryData::MemoryType type, int32_t deviceId);
    static APP_ERROR Join(const std::vector<TensorBase>& inputs, const std::vector<uint32_t>& shape, TensorBase& output);

    std::shared_ptr<TensorMemory> memory_;
    std::vector<uint32_t> shape_;
    TensorDataType dataType_ = TENSOR_DTYPE_UINT8;
};
}  // namespace MxBase

#endif
