// A model that the engine holds, behind both interfaces.
#ifndef OMGATE_SRC_LOADED_MODEL_H
#define OMGATE_SRC_LOADED_MODEL_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "Engine.h"
#include "MxBase/Tensor/TensorBase/TensorDataType.h"

namespace MxBase {
struct TensorInfo {
    std::string name;
    TensorDataType type;
    std::vector<int64_t> shape;  // -1 first where the batch has gears
    size_t bytes;                // at the largest gear
};

/// What a run gave.
struct Outputs {
    std::vector<char> bytes;  // one after the other
    std::vector<size_t> sizes;
    std::vector<std::vector<uint32_t>> shapes;
};

class LoadedModel {
public:
    /// Load `path`; null on a failure, with the code and the reason.
    static std::shared_ptr<LoadedModel> Load(const std::string& path, int32_t device, APP_ERROR& code, std::string& message);
    ~LoadedModel();
    LoadedModel(const LoadedModel&) = delete;
    LoadedModel& operator=(const LoadedModel&) = delete;

    /// Run it; `batch` 0 where the batch is fixed.
    APP_ERROR Run(const std::vector<Part>& inputs, size_t batch, Outputs& outputs, std::string& message) const;
    /// True for a batch that is one of the gears.
    bool IsGear(size_t batch) const;
    /// Bytes of a tensor at a batch (0: the fixed one).
    size_t BytesAt(const TensorInfo& tensor, size_t batch) const;

    std::vector<TensorInfo> inputs;
    std::vector<TensorInfo> outputs;
    std::vector<int64_t> gears;
    int64_t batch = 0;

private:
    LoadedModel() = default;
    int64_t number_ = 0;
    unsigned long epoch_ = 0;
};
}  // namespace MxBase

#endif
