// What a model says about its inputs and outputs, and what a call says about its batch.
#ifndef OMGATE_MXBASE_MODEL_DATA_TYPE_H
#define OMGATE_MXBASE_MODEL_DATA_TYPE_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace MxBase {
struct TensorDesc {
    size_t tensorSize;  // bytes, at the largest gear
    std::string tensorName;
    std::vector<int64_t> tensorDims;
};

struct ImageSize {
    size_t height;
    size_t width;

    ImageSize() = default;
    ImageSize(size_t rows, size_t columns) : height(rows), width(columns) {}
};

enum DynamicType {
    STATIC_BATCH = 0,
    DYNAMIC_BATCH = 1,
    DYNAMIC_HW = 2,
    DYNAMIC_DIMS = 3,
    DYNAMIC_SHAPE = 4
};

enum DataFormat {
    NCHW = 0,
    NHWC = 1
};

// batchSize has no default in the SDK: `DynamicInfo info = {}` makes it 0, `DynamicInfo info` leaves it undefined.
struct DynamicInfo {
    DynamicType dynamicType = DYNAMIC_BATCH;
    size_t batchSize;
    ImageSize imageSize = {};
    std::vector<std::vector<uint32_t>> shape = {};
};

struct ModelDesc {
    std::vector<TensorDesc> inputTensors;
    std::vector<TensorDesc> outputTensors;
    std::vector<size_t> batchSizes;
    bool dynamicBatch;
};
}  // namespace MxBase

#endif
