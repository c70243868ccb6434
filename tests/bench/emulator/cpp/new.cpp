// A program for SDK 7.0 and later on the first interface: new MODEL BATCH OUTPUT INPUT...
// BATCH 0: a model with a fixed batch. Writes OUTPUT.1.<index>; prints each step's code as `step=code`.
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "MxBase/DeviceManager/DeviceManager.h"
#include "MxBase/Log/Log.h"
#include "MxBase/ModelInfer/ModelInferenceProcessor.h"

#if __has_include("MxBase/Tensor/TensorContext/TensorContext.h")
#error "7.0 has no TensorContext.h"
#endif

namespace {
APP_ERROR Step(const char* name, APP_ERROR ret)
{
    std::cout << name << "=" << ret << std::endl;
    if (ret != APP_ERR_OK) LogError << name << " failed." << GetErrorInfo(ret);
    return ret;
}

std::vector<char> Content(const std::string& file)
{
    std::ifstream stream(file.c_str(), std::ios::binary);
    return std::vector<char>((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
}
}  // namespace

int main(int argc, char* argv[])
{
    if (argc < 5) {
        return 2;
    }
    auto* manager = MxBase::DeviceManager::GetInstance();
    MxBase::DeviceContext device = {};
    if (Step("devices", manager->InitDevices()) != APP_ERR_OK || Step("context", manager->SetDevice(device)) != APP_ERR_OK) {
        return 1;
    }
    MxBase::ModelInferenceProcessor model;
    if (Step("load", model.Init(std::string(argv[1]))) != APP_ERR_OK) {
        return 1;
    }
    MxBase::ModelDesc other = {};
    Step("again", model.Init(std::string(argv[1]), other));
    size_t batch = std::stoul(argv[2]);
    const MxBase::ModelDesc& desc = model.GetModelDesc();
    std::cout << "dynamic=" << desc.dynamicBatch << std::endl << "gears=" << model.GetDynamicGearInfo().size() << std::endl;
    std::cout << "formats=" << model.GetInputFormat().at(0) << " " << model.GetOutputFormat().at(0) << std::endl;
    std::vector<std::vector<char>> contents;
    std::vector<MxBase::TensorBase> inputs;
    std::vector<MxBase::TensorBase> outputs;
    for (int index = 4; index < argc; ++index) {
        contents.push_back(Content(argv[index]));
        MxBase::MemoryData host(contents.back().data(), contents.back().size(), MxBase::MemoryData::MEMORY_HOST_MALLOC, -1);
        std::vector<uint32_t> shape(1, static_cast<uint32_t>(contents.back().size()));
        inputs.push_back(MxBase::TensorBase(host, true, shape, MxBase::TENSOR_DTYPE_UINT8));
        Step("to_device", inputs.back().ToDevice(0));
    }
    for (size_t index = 0; index < desc.outputTensors.size(); ++index) {
        std::vector<uint32_t> shape(1, static_cast<uint32_t>(desc.outputTensors[index].tensorSize));
        MxBase::TensorBase tensor(shape, MxBase::TENSOR_DTYPE_UINT8, MxBase::MemoryData::MEMORY_DEVICE, 0);
        Step("malloc", MxBase::TensorBase::TensorBaseMalloc(tensor));
        outputs.push_back(tensor);
    }
    MxBase::DynamicInfo info = {};
    info.dynamicType = batch == 0 ? MxBase::STATIC_BATCH : MxBase::DYNAMIC_BATCH;
    info.batchSize = batch;
    if (Step("infer", model.ModelInference(inputs, outputs, info)) == APP_ERR_OK) {
        for (size_t index = 0; index < outputs.size(); ++index) {
            Step("to_host", outputs[index].ToHost());
            std::ofstream stream((std::string(argv[3]) + ".1." + std::to_string(index)).c_str(), std::ios::binary);
            stream.write(static_cast<const char*>(outputs[index].GetBuffer()), static_cast<std::streamsize>(outputs[index].GetByteSize()));
        }
    }
    Step("destroy", manager->DestroyDevices());
    Step("destroy_again", manager->DestroyDevices());
    Step("infer_after", model.ModelInference(inputs, outputs, info));
    return 0;
}
