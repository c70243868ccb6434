// What needs no model: memory, tensors, codes and their texts, the device's name. Prints `name=value` lines.
#include <cstdint>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include "MxBase/DeviceManager/DeviceManager.h"
#include "MxBase/DvppWrapper/DvppWrapper.h"
#include "MxBase/MxBase.h"
#include "MxBase/Tensor/TensorBase/TensorBase.h"

using namespace MxBase;

namespace {
template <typename T>
void Say(const char* name, const T& value)
{
    std::cout << name << "=" << value << std::endl;
}

void Memory()
{
    MemoryData nothing(static_cast<size_t>(0));
    Say("malloc_0", MemoryHelper::MxbsMalloc(nothing));
    MemoryData early(8, MemoryData::MEMORY_DEVICE, 0);
    Say("malloc_device", MemoryHelper::MxbsMalloc(early));
    MemoryData fresh(8, MemoryData::MEMORY_HOST_NEW);
    Say("malloc_new", MemoryHelper::MxbsMalloc(fresh));
    Say("memset", MemoryHelper::MxbsMemset(fresh, 7, 8));
    Say("memset_9", MemoryHelper::MxbsMemset(fresh, 7, 9));
    MemoryData small(4);
    Say("copy_8_to_4", MemoryHelper::MxbsMallocAndCopy(small, fresh));
    Say("small_is_null", small.ptrData == nullptr);
    Say("seven", static_cast<int>(static_cast<char*>(fresh.ptrData)[7]));
    Say("free", MemoryHelper::MxbsFree(fresh));
    Say("free_again", MemoryHelper::MxbsFree(fresh));
}

void First()
{
    std::vector<float> values(6);
    std::iota(values.begin(), values.end(), 0.f);
    MemoryData host(values.data(), values.size() * sizeof(float), MemoryData::MEMORY_HOST_MALLOC, -1);
    TensorBase tensor(host, true, {2, 3}, TENSOR_DTYPE_FLOAT32);
    TensorBase shared = tensor;
    float value = -1;
    Say("value_1_2", (tensor.GetValue(value, 1, 2), value));
    Say("value_vector", (tensor.GetValue(value, std::vector<int>{0, 1}), value));
    Say("value_out", tensor.GetValue(value, 2, 0));
    double wrong = 0;
    Say("value_double", tensor.GetValue(wrong, 0, 0));
    Say("to_device", tensor.ToDevice(0));
    Say("shared_is_device", shared.IsDevice());
    Say("shared_device_id", shared.GetDeviceId());
    Say("value_on_device", tensor.GetValue(value, 0, 0));
    Say("to_device_3", tensor.ToDevice(3));
    Say("now_device", tensor.GetDeviceId());
    Say("to_device_4", tensor.ToDevice(4));
    Say("to_host", tensor.ToHost());
    Say("sum", std::accumulate(static_cast<float*>(tensor.GetBuffer()), static_cast<float*>(tensor.GetBuffer()) + 6, 0.f));
    TensorBase joined;
    Say("stack", TensorBase::BatchVector({tensor, shared}, joined));
    Say("stack_rank", joined.GetShape().size());
    Say("concat", TensorBase::BatchVector({tensor, shared}, joined, true));
    Say("concat_rows", joined.GetShape()[0]);
    TensorBase planned({2, 2}, TENSOR_DTYPE_FLOAT32);
    Say("planned_copy", TensorBase::TensorBaseCopy(planned, tensor));
    Say("planned_valid", planned.CheckTensorValid());
    Say("planned_bytes", planned.GetByteSize());
    TensorBase roomy(host, true, {2, 2}, TENSOR_DTYPE_FLOAT32);
    Say("roomy_bytes", roomy.GetByteSize());
    Say("roomy_valid", roomy.CheckTensorValid());
    Say("roomy_stack", TensorBase::BatchStack({roomy, roomy}, joined));
    Say("roomy_sum", std::accumulate(static_cast<float*>(joined.GetBuffer()), static_cast<float*>(joined.GetBuffer()) + 8, 0.f));
    TensorBase scant(host, true, {2, 5}, TENSOR_DTYPE_FLOAT32);
    Say("scant_bytes", scant.GetByteSize());
    Say("scant_value", scant.GetValue(value, 1, 4));
    Say("scant_stack", TensorBase::BatchStack({scant, scant}, joined));
    Say("empty_to_host", TensorBase().ToHost());
    Say("bare_type", TENSOR_DTYPE_DOUBLE64);
}

void Second()
{
    std::vector<int32_t> values = {0, 1, 2, 3, 4, 5};
    Tensor tensor(values.data(), {2, 3}, TensorDType::INT32);
    Tensor turned;
    Say("transpose", Transpose(tensor, turned));
    Say("turned_rows", turned.GetShape()[0]);
    Say("turned_1", static_cast<int32_t*>(turned.GetData())[1]);
    Say("transpose_twice_0", Transpose(tensor, turned, {0, 0}));
    Tensor joined;
    Say("batch", BatchConcat({tensor, tensor, tensor}, joined));
    Say("batch_rows", joined.GetShape()[0]);
    Say("set_float", tensor.SetTensorValue(1.5f));
    Say("set_int", tensor.SetTensorValue(static_cast<int32_t>(9)));
    Say("borrowed", values[5]);
    Tensor half({2}, TensorDType::FLOAT16);
    Say("half_malloc", half.Malloc());
    std::string bits;
    for (float value : {1.f, -2.f, 65504.f, 65520.f, 6.0e-8f, 0.1f, 2049.f, 2051.f}) {
        half.SetTensorValue(value, true);
        bits += std::to_string(static_cast<uint16_t*>(half.GetData())[0]) + ",";
    }
    Say("half_bits", bits);
    Say("free_tensor", Tensor::TensorFree(half));
    Say("free_tensor_again", Tensor::TensorFree(half));
}
}  // namespace

int main()
{
    Memory();
    First();
    Second();
    Say("info", GetErrorInfo(1001));
    Say("info_acl", GetErrorInfo(500000, "aclmdlExecute"));
    Say("info_negative", GetErrorInfo(-2));
    Say("name", DeviceManager::GetSocName());
    Say("is310", DeviceManager::IsAscend310());
    Say("check_3", DeviceManager::GetInstance()->CheckDeviceId(3));
    Say("check_4", DeviceManager::GetInstance()->CheckDeviceId(4));
    DvppDataInfo image;
    Say("decode", DvppWrapper().DvppJpegDecode("x.jpg", image));
    if (DeviceManager::IsAscend310P()) LogError << "never"; else LogInfo << "an if without braces";
    for (int index = 0; index < 2; ++index) LogDebug << "debug " << index;
    LogWarn << "ends its line" << std::endl;
    return 0;
}
