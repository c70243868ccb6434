// A program of the second interface: v2 MODEL RUNS OUTPUT INPUT...  RUNS runs; the tensors' types and shapes are the model's.
// LOAD_TYPE=n in the environment: loaded by ModelLoadOptV2, from memory where that is its kind; no memory where LOAD_SIZE=0.
// Writes OUTPUT.<run>.<index>; prints each step's code, or what was thrown.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "MxBase/MxBase.h"

using namespace MxBase;

int main(int argc, char* argv[])
{
    if (argc < 5) {
        return 2;
    }
    APP_ERROR ret = MxInit();
    std::cout << "init=" << ret << std::endl;
    if (ret != APP_ERR_OK) {
        return 1;
    }
    LogInfo << "begun";
    {
        std::string path = argv[1];
        std::unique_ptr<Model> model;
        try {
            ModelLoadOptV2 option;
            std::ifstream file(path, std::ios::binary);
            std::vector<char> om((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
            if (const char* type = std::getenv("LOAD_TYPE")) {
                option.loadType = static_cast<ModelLoadOptV2::ModelLoadType>(std::atoi(type));
                bool inMemory = option.loadType >= ModelLoadOptV2::LOAD_MODEL_FROM_MEM;
                option.modelPath = inMemory ? "" : path;
                option.modelPtr = om.data();
                option.modelSize = std::getenv("LOAD_SIZE") != nullptr ? 0 : om.size();
                model.reset(new Model(option, 0));
            } else {
                model.reset(new Model(path, 0));
            }
            om.assign(om.size(), 0);
        } catch (const std::runtime_error& error) {
            std::cout << "thrown=" << error.what() << std::endl;
            return 1;
        }
        std::vector<std::vector<char>> contents;
        std::vector<Tensor> inputs;
        for (int index = 4; index < argc; ++index) {
            std::ifstream stream(argv[index], std::ios::binary);
            contents.emplace_back((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
            auto dims = model->GetInputTensorShape(static_cast<uint32_t>(index - 4));
            std::vector<uint32_t> shape(dims.begin(), dims.end());
            Tensor tensor(contents.back().data(), shape, model->GetInputTensorDataType(static_cast<uint32_t>(index - 4)));
            if (std::getenv("WRONG_TYPE") != nullptr) {
                tensor = Tensor(contents.back().data(), shape, TensorDType::INT32);
            }
            inputs.push_back(tensor);
        }
        for (int run = 1; run <= std::atoi(argv[2]); ++run) {
            LogInfo << "run " << run;
            std::vector<Tensor> outputs = model->Infer(inputs);
            std::cout << "outputs=" << outputs.size() << std::endl;
            for (size_t index = 0; index < outputs.size(); ++index) {
                std::cout << "device=" << outputs[index].GetDeviceId() << std::endl;
                std::cout << "to_host=" << outputs[index].ToHost() << std::endl;
                std::cout << "device=" << outputs[index].GetDeviceId() << std::endl;
                std::ofstream stream(std::string(argv[3]) + "." + std::to_string(run) + "." + std::to_string(index), std::ios::binary);
                stream.write(static_cast<const char*>(outputs[index].GetData()), static_cast<std::streamsize>(outputs[index].GetByteSize()));
            }
        }
    }
    std::cout << "deinit=" << MxDeInit() << std::endl;
    return 0;
}
