// The network on the device: 1 x 1 x 1024 x 1024 grey levels in, a density map out.
#ifndef MCNN_MCNN_H
#define MCNN_MCNN_H

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "MxBase/ModelInfer/ModelInferenceProcessor.h"
#include "MxBase/Tensor/TensorBase/TensorBase.h"
#include "Sdk.h"

namespace mcnn {
/// The network's input has this many pixels a side.
const int EDGE = 1024;

/// Times in seconds of one image, each by its own clock reading.
struct DeviceSeconds {
    double transfer = 0;  // input from the host to the device
    double infer = 0;     // the execution alone: input and output are on the device
    double fetch = 0;     // output from the device to the host
};

/// One image could not be inferred; the program goes on with the next.
struct InferError : std::runtime_error {
    explicit InferError(const std::string& text) : std::runtime_error(text) {}
};

class Mcnn {
public:
    /// Load the model, and take all the device memory that a run needs. Throws StartError.
    Mcnn(const std::string& modelPath, uint32_t deviceNumber);
    ~Mcnn();
    Mcnn(const Mcnn&) = delete;
    Mcnn& operator=(const Mcnn&) = delete;

    /// The density map of EDGE * EDGE values, row by row; valid until the next call. Throws InferError.
    const std::vector<float>& Infer(const std::vector<float>& input, DeviceSeconds& seconds);

    /// Dimensions of the input, and of the map (1, 1, 256, 256).
    const std::vector<uint32_t>& InputShape() const { return inputShape_; }
    const std::vector<uint32_t>& MapShape() const { return mapShape_; }
    MxBase::TensorDataType MapType() const { return MxBase::TENSOR_DTYPE_FLOAT32; }

private:
    void Load(const std::string& modelPath);
    void CheckModel(const MxBase::ModelDesc& description) const;
    void TakeMemory();
    void Put(const std::vector<float>& input);
    void Execute(std::vector<MxBase::TensorBase>& outputs);
    void Fetch(const std::vector<MxBase::TensorBase>& outputs);

    // In this order: the device goes last.
    Device device_;
    MxBase::ModelInferenceProcessor model_;
    bool loaded_ = false;
    std::vector<uint32_t> inputShape_;
    std::vector<uint32_t> mapShape_;
    std::vector<MxBase::TensorBase> inputs_;
    std::vector<MxBase::TensorBase> outputs_;
    std::vector<float> map_;
};
}  // namespace mcnn

#endif
