// The memory behind tensors of both interfaces, shared by their copies.
#ifndef OMGATE_SRC_MEMORY_H
#define OMGATE_SRC_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <vector>

#include "MxBase/MemoryHelper/MemoryHelper.h"

namespace MxBase {
const int32_t HOST_DEVICE_ID = -1;

/// Bytes of one element of a type (TensorDataType number); 0 for an undefined one.
uint32_t ElementBytes(int type);
/// Product of the dimensions; 0 for none.
size_t ElementCount(const std::vector<uint32_t>& shape);
/// True for memory of the host.
bool OnHost(MemoryData::MemoryType type);

class TensorMemory {
public:
    TensorMemory(const MemoryData& data, bool borrowed);
    ~TensorMemory();
    TensorMemory(const TensorMemory&) = delete;
    TensorMemory& operator=(const TensorMemory&) = delete;

    /// Get `data.size` bytes of `data.type`, on its device; what was there before goes.
    APP_ERROR Allocate();
    /// Copy to memory of another kind; all who share this see the new place.
    APP_ERROR MoveTo(MemoryData::MemoryType type, int32_t deviceId);
    void Release();

    MemoryData data;

private:
    bool borrowed_;
};
}  // namespace MxBase

#endif
