// Memory of host and device. In the emulator both are this process's memory, so a "device" pointer can be read without a copy to
// the host first; on a device that is a crash. MemoryData::type says which it would be.
#ifndef OMGATE_MXBASE_MEMORY_HELPER_H
#define OMGATE_MXBASE_MEMORY_HELPER_H

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>

#include "MxBase/Common/HiddenAttr.h"
#include "MxBase/ErrorCode/ErrorCode.h"

namespace MxBase {
struct SDK_AVAILABLE_FOR_OUT MemoryData {
    enum MemoryType {
        MEMORY_HOST = 0,
        MEMORY_DEVICE,
        MEMORY_DVPP,
        MEMORY_HOST_MALLOC,
        MEMORY_HOST_NEW
    };

    MemoryData() = default;
    MemoryData(size_t bytes, MemoryType kind = MEMORY_HOST, int32_t device = 0)
        : size(bytes), deviceId(device), type(kind) {}
    MemoryData(void* pointer, size_t bytes, MemoryType kind = MEMORY_HOST, int32_t device = 0)
        : ptrData(pointer), size(bytes), deviceId(device), type(kind) {}

    void* ptrData = nullptr;
    size_t size = 0;
    int32_t deviceId = 0;
    MemoryType type = MEMORY_HOST;
    APP_ERROR (*free)(void*) = nullptr;
};

class SDK_AVAILABLE_FOR_OUT MemoryHelper {
public:
    /// Allocate `data.size` bytes; sets ptrData and free. 1004 for 0 bytes or more than 4 GB, 2 for device memory where no device was
    /// set (DeviceManager::SetDevice). It is the set device's: `data.deviceId` is not looked at, as in the SDK.
    static APP_ERROR MxbsMalloc(MemoryData& data);
    /// Free what MxbsMalloc gave; ptrData becomes null. 1003 where there is nothing to free.
    static APP_ERROR MxbsFree(MemoryData& data);
    /// 1003 for a null pointer, 1004 for 0 bytes or more than there are.
    static APP_ERROR MxbsMemset(MemoryData& data, int32_t value, size_t count);
    /// Copy `count` bytes, of whatever devices; 1003 for a null pointer, 1004 for 0 bytes or more than `dest` has. That `src` has less
    /// than it says it has is 1004 here; a source of size 0 is one whose size was not filled in, which the SDK never asks for.
    static APP_ERROR MxbsMemcpy(MemoryData& dest, const MemoryData& src, size_t count);
    /// Both; 1004 for a source of 0 bytes, 26 where `dest` is smaller.
    static APP_ERROR MxbsMallocAndCopy(MemoryData& dest, const MemoryData& src);

#ifdef MXBASE_OLD_GENERATION
    // SDK 2.0 to 6.x; 7.0.RC1 removed them.
    static APP_ERROR Malloc(MemoryData& data);
    static APP_ERROR Free(MemoryData& data);
    static APP_ERROR Memset(MemoryData& data, int32_t value, size_t count);
    static APP_ERROR Memcpy(MemoryData& dest, const MemoryData& src, size_t count);
#endif

    template <typename T, typename... Args>
    static std::shared_ptr<T> MakeShared(Args&&... args)
    {
        try {
            return std::make_shared<T>(args...);
        } catch (const std::exception&) {
            return nullptr;
        }
    }
};
}  // namespace MxBase

#endif
