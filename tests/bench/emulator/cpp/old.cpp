// A program in the style of SDK 2.0 to 6.x: old MODEL RUNS OUTPUT INPUT...
// Runs the model RUNS times on the raw inputs; writes OUTPUT.<run>.<index>; prints each step's code as `step=code`.
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "MxBase/DeviceManager/DeviceManager.h"
#include "MxBase/DvppWrapper/DvppWrapper.h"
#include "MxBase/Log/Log.h"
#include "MxBase/ModelInfer/ModelInferenceProcessor.h"
#include "MxBase/Tensor/TensorContext/TensorContext.h"

namespace {
APP_ERROR Step(const char* name, APP_ERROR ret)
{
    std::cout << name << "=" << ret << std::endl;
    if (ret != APP_ERR_OK) {
        LogError << GetError(ret) << name << " failed.";
    }
    return ret;
}

class Program {
public:
    APP_ERROR Init(const std::string& model)
    {
        if (Step("devices", MxBase::DeviceManager::GetInstance()->InitDevices()) != APP_ERR_OK) {
            return APP_ERR_COMM_INIT_FAIL;
        }
        if (Step("context", MxBase::TensorContext::GetInstance()->SetContext(deviceId_)) != APP_ERR_OK) {
            return APP_ERR_COMM_INIT_FAIL;
        }
        dvpp_ = std::make_shared<MxBase::DvppWrapper>();
        Step("dvpp", dvpp_->Init());
        model_ = std::make_shared<MxBase::ModelInferenceProcessor>();
        return Step("load", model_->Init(model, modelDesc_));
    }

    APP_ERROR Input(const std::string& file, size_t index, std::vector<MxBase::TensorBase>& inputs)
    {
        std::ifstream stream(file.c_str(), std::ios::binary);
        std::vector<char> content((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
        const MxBase::TensorDesc& desc = modelDesc_.inputTensors[index];
        MxBase::MemoryData device(content.size(), MxBase::MemoryData::MEMORY_DEVICE, deviceId_);
        MxBase::MemoryData host(content.data(), content.size(), MxBase::MemoryData::MEMORY_HOST_MALLOC);
        APP_ERROR ret = MxBase::MemoryHelper::MxbsMallocAndCopy(device, host);
        if (ret != APP_ERR_OK) {
            return Step("copy", ret);
        }
        std::vector<uint32_t> shape(desc.tensorDims.begin(), desc.tensorDims.end());
        inputs.push_back(MxBase::TensorBase(device, false, shape, model_->GetInputDataType()[index]));
        return APP_ERR_OK;
    }

    APP_ERROR Run(int run, std::vector<MxBase::TensorBase>& inputs, const std::string& output)
    {
        std::vector<MxBase::TensorBase> outputs = {};
        auto types = model_->GetOutputDataType();
        for (size_t index = 0; index < modelDesc_.outputTensors.size(); ++index) {
            const auto& dims = modelDesc_.outputTensors[index].tensorDims;
            MxBase::TensorBase tensor(std::vector<uint32_t>(dims.begin(), dims.end()), types[index],
                                      MxBase::MemoryData::MemoryType::MEMORY_DEVICE, deviceId_);
            MxBase::TensorBase::TensorBaseMalloc(tensor);
            outputs.push_back(tensor);
        }
        MxBase::DynamicInfo dynamicInfo = {};
        dynamicInfo.dynamicType = MxBase::DynamicType::STATIC_BATCH;
        APP_ERROR ret = Step("infer", model_->ModelInference(inputs, outputs, dynamicInfo));
        for (size_t index = 0; ret == APP_ERR_OK && index < outputs.size(); ++index) {
            std::cout << "device_before=" << outputs[index].IsDevice() << std::endl;
            ret = outputs[index].ToHost();
            std::cout << "host_after=" << outputs[index].IsHost() << std::endl;
            std::cout << "type=" << outputs[index].GetDataType() << std::endl;
            std::cout << "rank=" << outputs[index].GetShape().size() << std::endl;
            std::cout << "bytes=" << outputs[index].GetByteSize() << std::endl;
            std::ofstream stream((output + "." + std::to_string(run) + "." + std::to_string(index)).c_str(), std::ios::binary);
            stream.write(static_cast<const char*>(outputs[index].GetBuffer()), static_cast<std::streamsize>(outputs[index].GetByteSize()));
        }
        return ret;
    }

    void DeInit()
    {
        dvpp_->DeInit();
        Step("unload", model_->DeInit());
        Step("destroy", MxBase::DeviceManager::GetInstance()->DestroyDevices());
    }

private:
    std::shared_ptr<MxBase::DvppWrapper> dvpp_;
    std::shared_ptr<MxBase::ModelInferenceProcessor> model_;
    MxBase::ModelDesc modelDesc_ = {};
    uint32_t deviceId_ = 0;
};
}  // namespace

int main(int argc, char* argv[])
{
    if (argc < 5) {
        LogWarn << "Please give a model, a number of runs, an output and inputs.";
        return 2;
    }
    Program program;
    APP_ERROR ret = program.Init(argv[1]);
    if (ret != APP_ERR_OK) {
        return 1;
    }
    std::vector<MxBase::TensorBase> inputs = {};
    for (int index = 4; index < argc && ret == APP_ERR_OK; ++index) {
        ret = program.Input(argv[index], static_cast<size_t>(index - 4), inputs);
    }
    for (int run = 1; run <= std::atoi(argv[2]) && ret == APP_ERR_OK; ++run) {
        LogInfo << "run " << run;
        if (program.Run(run, inputs, argv[3]) != APP_ERR_OK) {
            std::cout << "failed_run=" << run << std::endl;
        }
    }
    program.DeInit();
    return ret == APP_ERR_OK ? 0 : 1;
}
