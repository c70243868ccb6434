// A model of the second C++ interface.
#ifndef OMGATE_MXBASE_MODEL_H
#define OMGATE_MXBASE_MODEL_H

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "MxBase/Asynchron/AscendStream.h"
#include "MxBase/E2eInfer/DataType.h"
#include "MxBase/E2eInfer/Tensor/Tensor.h"

namespace MxBase {
class LoadedModel;

class Model {
public:
    /// Load the model. Throws std::runtime_error with code 1013 whatever the reason is (file, rights, extension, device), as the SDK
    /// does; the reason is in the log. `modelPath` must end in .om: the emulator can't run .mindir.
    Model(std::string& modelPath, const int32_t deviceId = 0);
    /// From a file or from memory (`modelPtr`, `modelSize`), an OM alone; work and weight memory are not used.
    Model(ModelLoadOptV2& mdlLoadOpt, const int32_t deviceId = 0);
    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;
    ~Model();

    /// Run it; the outputs must have their memory. Number, element types and shapes of the inputs are compared with the model's: 1004,
    /// or 1003 for one without memory. -1 for what ACL refuses (a batch that is no gear, an output that is too small) and for an
    /// execution that fails, whatever ACL's own code is: the log has that.
    APP_ERROR Infer(std::vector<Tensor>& inputTensors, std::vector<Tensor>& outputTensors,
                    AscendStream& stream = AscendStream::DefaultStream());
    /// Run it and return new tensors on the device; an EMPTY vector on any failure, which is in the log only.
    std::vector<Tensor> Infer(std::vector<Tensor>& inputTensors);

    uint32_t GetInputTensorNum();
    uint32_t GetOutputTensorNum();
    std::vector<int64_t> GetInputTensorShape(uint32_t index = 0);
    std::vector<uint32_t> GetOutputTensorShape(uint32_t index = 0);
    MxBase::TensorDType GetInputTensorDataType(uint32_t index = 0);
    MxBase::TensorDType GetOutputTensorDataType(uint32_t index = 0);
    MxBase::VisionDataFormat GetInputFormat();
    /// The batch gears, one a row; empty for a fixed batch.
    std::vector<std::vector<uint64_t>> GetDynamicGearInfo();

private:
    APP_ERROR Run(std::vector<Tensor>& inputs, std::vector<Tensor>& outputs, bool allocate);

    std::shared_ptr<LoadedModel> model_;
    int32_t deviceId_ = 0;
};
}  // namespace MxBase

#endif
