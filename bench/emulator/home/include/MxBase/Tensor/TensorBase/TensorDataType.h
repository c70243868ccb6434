// Element types of tensors; the numbers are ACL's (5 is not used).
#ifndef OMGATE_MXBASE_TENSOR_DATA_TYPE_H
#define OMGATE_MXBASE_TENSOR_DATA_TYPE_H

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace MxBase {
// Unscoped and without an operator<<: a stream prints the bare number, as programs written for the SDK expect.
enum TensorDataType {
    TENSOR_DTYPE_UNDEFINED = -1,
    TENSOR_DTYPE_FLOAT32 = 0,
    TENSOR_DTYPE_FLOAT16 = 1,
    TENSOR_DTYPE_INT8 = 2,
    TENSOR_DTYPE_INT32 = 3,
    TENSOR_DTYPE_UINT8 = 4,
    TENSOR_DTYPE_INT16 = 6,
    TENSOR_DTYPE_UINT16 = 7,
    TENSOR_DTYPE_UINT32 = 8,
    TENSOR_DTYPE_INT64 = 9,
    TENSOR_DTYPE_UINT64 = 10,
    TENSOR_DTYPE_DOUBLE64 = 11,
    TENSOR_DTYPE_BOOL = 12
};

/// A tensor of the oldest interface: memory that the caller owns, `size` in bytes.
struct BaseTensor {
    void* buf;
    std::vector<int> shape;
    size_t size;
};
}  // namespace MxBase

#endif
