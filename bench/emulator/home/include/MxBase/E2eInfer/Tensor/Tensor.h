// A tensor of the second C++ interface. The device is -1 on the host. Memory is as in TensorBase.h: this process's, with honest accounts.
// Of the SDK's class the rectangles (valid region, reference region) and Clone are missing here.
#ifndef OMGATE_MXBASE_TENSOR_H
#define OMGATE_MXBASE_TENSOR_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "MxBase/Asynchron/AscendStream.h"
#include "MxBase/E2eInfer/DataType.h"
#include "MxBase/ErrorCode/ErrorCode.h"
#include "MxBase/MemoryHelper/MemoryHelper.h"

namespace MxBase {
class TensorMemory;

class Tensor {
public:
    Tensor();
    ~Tensor();
    Tensor(const Tensor& other);
    Tensor& operator=(const Tensor& other);
    bool operator==(const Tensor& other);

    // All of them throw std::runtime_error with code 1013 for a device that is not here.
    /// Without memory until Malloc().
    Tensor(const std::vector<uint32_t>& shape, const MxBase::TensorDType& dataType, const int32_t& deviceId = -1);
    Tensor(const std::vector<uint32_t>& shape, const MxBase::TensorDType& dataType, const int32_t& deviceId, bool isDvpp);
    /// Over the caller's memory, which stays the caller's.
    Tensor(void* usrData, const std::vector<uint32_t>& shape, const MxBase::TensorDType& dataType, const int32_t& deviceId = -1);
    /// Not borrowed: freed with the last copy; it must come from malloc then.
    Tensor(void* usrData, const std::vector<uint32_t>& shape, const MxBase::TensorDType& dataType, const int32_t& deviceId,
           const bool isDvpp, const bool isBorrowed);

    void* GetData() const;
    std::vector<uint32_t> GetShape() const;
    APP_ERROR SetShape(std::vector<uint32_t> shape);
    MxBase::TensorDType GetDataType() const;
    MemoryData::MemoryType GetMemoryType() const;
    size_t GetByteSize() const;
    int32_t GetDeviceId() const;
    // From wherever it is, another device too; 1004 for a device that is not here.
    APP_ERROR ToDevice(int32_t deviceId);
    APP_ERROR ToDvpp(int32_t deviceId);
    APP_ERROR ToHost();
    // Set every element; 1004 for a tensor of another element type.
    APP_ERROR SetTensorValue(uint8_t value, AscendStream& stream = AscendStream::DefaultStream());
    APP_ERROR SetTensorValue(float value, bool IsFloat16 = false, AscendStream& stream = AscendStream::DefaultStream());
    APP_ERROR SetTensorValue(int32_t value, AscendStream& stream = AscendStream::DefaultStream());
    static APP_ERROR TensorMalloc(Tensor& tensor);
    APP_ERROR Malloc();
    bool IsEmpty() const;
    static APP_ERROR TensorFree(Tensor& tensor);

    /// Along the first dimension. The output lies on the host here; on a device the SDK wants device tensors.
    friend APP_ERROR BatchConcat(const std::vector<Tensor>& inputs, Tensor& output);
    /// 2 to 6 dimensions; without axes the order is reversed.
    friend APP_ERROR Transpose(const Tensor& input, Tensor& output, std::vector<uint32_t> axes = {})
    {
        return DoTranspose(input, output, axes);
    }

private:
    static APP_ERROR DoTranspose(const Tensor& input, Tensor& output, std::vector<uint32_t> axes);
    APP_ERROR MoveTo(MemoryData::MemoryType type, int32_t deviceId);

    std::shared_ptr<TensorMemory> memory_;
    std::vector<uint32_t> shape_;
    TensorDType dataType_ = TensorDType::UNDEFINED;
};

APP_ERROR BatchConcat(const std::vector<Tensor>& inputs, Tensor& output);
}  // namespace MxBase

#endif
