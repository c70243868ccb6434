// Several devices: devices MODEL INPUT [outer]. The model has one input and one output of the input's bytes, floats in one row.
// Prints `name=value` lines; with `outer` only what a machine whose devices can't be had answers.
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "MxBase/DeviceManager/DeviceManager.h"
#include "MxBase/ModelInfer/ModelInferenceProcessor.h"
#include "MxBase/MxBase.h"
#include "MxBase/Tensor/TensorBase/TensorBase.h"

using namespace MxBase;

namespace {
template <typename T>
void Say(const std::string& name, const T& value)
{
    std::cout << name << "=" << value << std::endl;
}

uint32_t Count()
{
    uint32_t count = 77;
    Say("count_code", DeviceManager::GetInstance()->GetDevicesCount(count));
    return count;
}

APP_ERROR Set(int32_t number)
{
    DeviceContext device;
    device.devId = number;
    return DeviceManager::GetInstance()->SetDevice(device);
}

/// The number of this thread's device, or the code where it has none.
std::string Current()
{
    DeviceContext device;
    device.devId = 77;
    APP_ERROR ret = DeviceManager::GetInstance()->GetCurrentDevice(device);
    return ret == APP_ERR_OK ? "device " + std::to_string(device.devId) : "code " + std::to_string(ret);
}

template <typename Make>
void Thrown(const std::string& name, Make make)
{
    try {
        make();
        Say(name, "nothing");
    } catch (const std::runtime_error& error) {
        Say(name, error.what());
    }
}

void Outer(std::string path)
{
    Thrown("model_0", [&]() { Model model(path, 0); });
    Thrown("tensor_0", []() { Tensor tensor({1, 3}, TensorDType::FLOAT32, 0); });
    Thrown("stream_0", []() { AscendStream stream(0); });
    Tensor tensor({1, 3}, TensorDType::FLOAT32);
    Say("malloc_host", tensor.Malloc());
    Say("to_device_0", tensor.ToDevice(0));
    MemoryData memory(8, MemoryData::MEMORY_DEVICE);
    Say("memory", MemoryHelper::MxbsMalloc(memory));
    ModelInferenceProcessor processor;
    Say("processor", processor.Init(path));
    Say("check_0", DeviceManager::GetInstance()->CheckDeviceId(0));
}

/// From device to device and back: the bytes, and the thread's device after each step.
void Memory(const std::vector<char>& content)
{
    std::vector<char> own = content;
    MemoryData host(own.data(), own.size(), MemoryData::MEMORY_HOST_MALLOC, -1);
    TensorBase tensor(host, true, {1, 3}, TENSOR_DTYPE_FLOAT32);
    for (int32_t device : {1, 2, 0, 3}) {
        APP_ERROR ret = tensor.ToDevice(device);
        std::cout << "moved=" << ret << " to " << tensor.GetDeviceId() << ", " << Current() << std::endl;
    }
    Say("moved_4", tensor.ToDevice(4));
    TensorBase other({1, 3}, TENSOR_DTYPE_FLOAT32, MemoryData::MEMORY_DEVICE, 1);
    Say("copy_without_memory", TensorBase::TensorBaseCopy(other, tensor));
    Say("malloc_1", TensorBase::TensorBaseMalloc(other));
    Say("copy_3_to_1", TensorBase::TensorBaseCopy(other, tensor));
    Say("after_copy", Current());
    TensorBase shorter({1, 2}, TENSOR_DTYPE_FLOAT32, MemoryData::MEMORY_DEVICE, 1);
    TensorBase::TensorBaseMalloc(shorter);
    Say("copy_to_shorter", TensorBase::TensorBaseCopy(shorter, tensor));
    TensorBase joined;
    Say("stack_of_two_devices", TensorBase::BatchStack({tensor, other}, joined));
    Say("stack_of_one", TensorBase::BatchStack({other, other}, joined));
    Say("stacked_on", joined.GetDeviceId());
    Set(0);
    Say("to_host", other.ToHost());
    Say("host_is", other.GetDeviceId());
    Say("after_host", Current());
    Say("same_bytes", std::memcmp(other.GetBuffer(), content.data(), content.size()) == 0);
    TensorBase nowhere({1, 3}, TENSOR_DTYPE_FLOAT32, MemoryData::MEMORY_DEVICE, 4);
    Say("malloc_4", TensorBase::TensorBaseMalloc(nowhere));
    MemoryData numbered(8, MemoryData::MEMORY_DEVICE, 4);  // the set device's, whatever its number says
    Say("memory_4", MemoryHelper::MxbsMalloc(numbered));
    MemoryHelper::MxbsFree(numbered);
}

/// What each device gives, by the first interface; the sum of the outputs.
void First(const std::string& path, const std::vector<char>& content, int32_t device)
{
    std::cout << "set=" << Set(device) << ", " << Current() << std::endl;
    ModelInferenceProcessor model;
    ModelDesc desc;
    Say("load", model.Init(path, desc));
    MemoryData host(const_cast<char*>(content.data()), content.size(), MemoryData::MEMORY_HOST_MALLOC, -1);
    std::vector<TensorBase> inputs(1, TensorBase(host, true, {1, 3}, TENSOR_DTYPE_FLOAT32));
    std::vector<TensorBase> outputs(1, TensorBase({1, 3}, TENSOR_DTYPE_FLOAT32, MemoryData::MEMORY_DEVICE, device));
    inputs[0].ToDevice(device);
    TensorBase::TensorBaseMalloc(outputs[0]);
    DynamicInfo info = {};
    info.dynamicType = STATIC_BATCH;
    Say("infer", model.ModelInference(inputs, outputs, info));
    outputs[0].ToHost();
    const float* found = static_cast<const float*>(outputs[0].GetBuffer());
    std::cout << "first=" << device << ": " << found[0] << "," << found[1] << "," << found[2] << std::endl;
}

/// The same by the second one, from a thread that never set a device.
void Second(std::string path, const std::vector<char>& content, int32_t device)
{
    Model model(path, device);
    std::vector<char> own = content;
    std::vector<Tensor> inputs(1, Tensor(own.data(), {1, 3}, TensorDType::FLOAT32));
    inputs[0].ToDevice(3 - device);  // the model gets it from there
    std::thread([&]() {
        std::string before = Current();
        std::vector<Tensor> outputs = model.Infer(inputs);
        Say("thread", before + ", " + Current());
        int32_t where = outputs.at(0).GetDeviceId();
        outputs[0].ToHost();
        const float* found = static_cast<const float*>(outputs[0].GetData());
        std::cout << "second=" << where << ": " << found[0] << "," << found[1] << "," << found[2] << std::endl;
    }).join();
}

void Codes(std::string path, const std::vector<char>& content)
{
    Model model(path, 1);
    std::vector<char> own = content;
    std::vector<Tensor> inputs(1, Tensor(own.data(), {1, 3}, TensorDType::FLOAT32));
    std::vector<Tensor> outputs(1, Tensor({1, 3}, TensorDType::FLOAT32, 1));
    Say("v2_no_room", model.Infer(inputs, outputs));
    outputs[0].Malloc();
    Set(0);
    Say("v2", model.Infer(inputs, outputs));
    Say("v2_current", Current());
    std::vector<Tensor> scant(1, Tensor({1, 2}, TensorDType::FLOAT32, 1));
    scant[0].Malloc();
    Say("v2_scant", model.Infer(inputs, scant));
    std::vector<Tensor> none;
    Say("v2_no_outputs", model.Infer(inputs, none));
    std::vector<Tensor> bare(1, Tensor({1, 3}, TensorDType::FLOAT32));
    Say("v2_bare", model.Infer(bare, outputs));
    ModelInferenceProcessor processor;
    std::vector<BaseTensor> nothing;
    Say("no_model", processor.ModelInference(nothing, nothing));
    DynamicInfo info = {};
    Say("nothing", processor.ModelInference(nothing, nothing, info));
    info.dynamicType = static_cast<DynamicType>(9);
    std::vector<BaseTensor> some(1);
    Say("unknown_type", processor.ModelInference(some, some, info));
}
}  // namespace

int main(int argc, char* argv[])
{
    if (argc < 3) {
        return 2;
    }
    std::string path = argv[1];
    std::ifstream file(argv[2], std::ios::binary);
    std::vector<char> content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    auto* manager = DeviceManager::GetInstance();
    Say("never_begun", manager->DestroyDevices());
    Say("early_count", Count());
    Say("early_check", manager->CheckDeviceId(0));
    Say("early_current", Current());
    Say("init", manager->InitDevices());
    Say("begun", manager->IsInitDevices());
    Say("count", Count());
    Say("unset", Current());
    if (argc > 3) {
        Say("set_0", Set(0));
        Outer(path);
        return 0;
    }
    ModelInferenceProcessor early;
    Say("load_unset", early.Init(path));
    for (int32_t number : {-1, 0, 3, 4, 100}) {
        Say("check " + std::to_string(number), manager->CheckDeviceId(number));
        Say("set " + std::to_string(number), Set(number));
    }
    Say("kept", Current());
    std::thread([]() { Say("other_thread", Current()); }).join();
    for (int32_t device = 0; device < static_cast<int32_t>(Count()); ++device) {
        First(path, content, device);
        Second(path, content, device);
    }
    Memory(content);
    Thrown("model_4", [&]() { Model model(path, 4); });
    Thrown("tensor_4", []() { Tensor tensor({1, 3}, TensorDType::FLOAT32, 4); });
    Thrown("stream_4", []() { AscendStream stream(4); });
    Say("stream_2", AscendStream(2).GetDeviceId());
    Codes(path, content);
    manager->InitDevices();
    Say("destroy", manager->DestroyDevices());
    Say("destroy_again", manager->DestroyDevices());
    Say("count_after", Count());
    Say("begun_after", manager->IsInitDevices());
    Say("current_after", Current());
    Say("init_after", manager->InitDevices());
    First(path, content, 2);
    Say("destroy_at_last", manager->DestroyDevices());
    return 0;
}
