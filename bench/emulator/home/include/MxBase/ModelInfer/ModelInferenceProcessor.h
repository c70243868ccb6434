// A model of the first C++ interface (SDK 2.0; deprecated since 5.0, still there).
#ifndef OMGATE_MXBASE_MODEL_INFERENCE_PROCESSOR_H
#define OMGATE_MXBASE_MODEL_INFERENCE_PROCESSOR_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "MxBase/Common/HiddenAttr.h"
#include "MxBase/ErrorCode/ErrorCode.h"
#include "MxBase/ModelInfer/ModelDataType.h"
#include "MxBase/Tensor/TensorBase/TensorBase.h"
#ifdef MXBASE_OLD_GENERATION
#include "MxBase/PostProcessBases/PostProcessDataType.h"
#endif

namespace MxBase {
class LoadedModel;

class SDK_AVAILABLE_FOR_OUT ModelInferenceProcessor {
public:
    ModelInferenceProcessor();
    ~ModelInferenceProcessor() = default;

    /// Load the model on the device that was set (DeviceManager::SetDevice; 107002 where none was). 1016 no such file, 18 no OM file that
    /// can be run here, 1010 rights that the SDK refuses.
    /// A second Init warns, loads nothing and returns 0; the second form has emptied GetModelDesc() by then, as in the SDK.
    APP_ERROR Init(std::string modelPath, ModelDesc& modelDesc);
    APP_ERROR Init(const std::string& modelPath);
    /// Unload it; -1 where nothing is loaded.
    APP_ERROR DeInit(void);

    // Run it on tensors of the model's number, with at least its sizes in bytes; element types and shapes are not compared, and of a
    // larger input the first bytes count. The outputs must have their memory. -1 for an execution that fails and for all that ACL
    // refuses, whatever its own code is (the log has that): no model, a wrong number, a smaller tensor and, for a model with a fixed
    // batch, DYNAMIC_BATCH, which is the default of DynamicInfo. With DynamicInfo, 1004 for an empty list and 1001 for an unknown type.
    APP_ERROR ModelInference(std::vector<BaseTensor>& inputTensors, std::vector<BaseTensor>& outputTensors,
                             size_t dynamicBatchSize = 0);
    APP_ERROR ModelInference(std::vector<BaseTensor>& inputTensors, std::vector<BaseTensor>& outputTensors,
                             DynamicInfo dynamicInfo);
    APP_ERROR ModelInference(const std::vector<TensorBase>& inputTensors, std::vector<TensorBase>& outputTensors,
                             DynamicInfo dynamicInfo);

    const std::vector<ImageSize>& GetDynamicImageSizes() const;
    DynamicType GetDynamicType() const;
    /// Filled by Init(modelPath) only, as in the SDK.
    const ModelDesc& GetModelDesc() const;
    DataFormat GetDataFormat() const;
    // ACL's numbers: 0 NCHW for four dimensions, 2 ND for others; what a converted model says of others is unconfirmed.
    std::vector<size_t> GetInputFormat() const;
    std::vector<size_t> GetOutputFormat() const;
    std::vector<TensorDataType> GetInputDataType() const;
    std::vector<TensorDataType> GetOutputDataType() const;
    std::vector<std::vector<int64_t>> GetInputShape() const;
    std::vector<std::vector<int64_t>> GetOutputShape() const;
    std::vector<int64_t> GetDynamicBatch() const;
    std::vector<std::vector<uint64_t>> GetDynamicGearInfo();

private:
    struct State;
    std::shared_ptr<State> state_;
};
}  // namespace MxBase

#endif
