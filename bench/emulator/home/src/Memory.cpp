// Host and device memory; both are this process's own.
#include "Memory.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "Device.h"
#include "MxBase/Log/Log.h"
#include "MxBase/Tensor/TensorBase/TensorDataType.h"

namespace MxBase {
namespace {
const size_t BYTES_LIMIT = 4UL << 30;

APP_ERROR FreeMalloc(void* pointer)
{
    std::free(pointer);
    return APP_ERR_OK;
}

APP_ERROR FreeNew(void* pointer)
{
    delete[] static_cast<char*>(pointer);
    return APP_ERR_OK;
}

APP_ERROR Refuse(APP_ERROR code, const char* what)
{
    LogError << what << GetErrorInfo(code);
    return code;
}
}  // namespace

uint32_t ElementBytes(int type)
{
    switch (type) {
        case TENSOR_DTYPE_INT8:
        case TENSOR_DTYPE_UINT8:
        case TENSOR_DTYPE_BOOL:
            return 1;
        case TENSOR_DTYPE_FLOAT16:
        case TENSOR_DTYPE_INT16:
        case TENSOR_DTYPE_UINT16:
            return 2;
        case TENSOR_DTYPE_FLOAT32:
        case TENSOR_DTYPE_INT32:
        case TENSOR_DTYPE_UINT32:
            return 4;
        case TENSOR_DTYPE_INT64:
        case TENSOR_DTYPE_UINT64:
        case TENSOR_DTYPE_DOUBLE64:
            return 8;
        default:
            return 0;
    }
}

size_t ElementCount(const std::vector<uint32_t>& shape)
{
    size_t count = shape.empty() ? 0 : 1;
    for (uint32_t size : shape) {
        count *= size;
    }
    return count;
}

bool OnHost(MemoryData::MemoryType type)
{
    return type != MemoryData::MEMORY_DEVICE && type != MemoryData::MEMORY_DVPP;
}

APP_ERROR MemoryHelper::MxbsMalloc(MemoryData& data)
{
    if (data.size == 0 || data.size > BYTES_LIMIT) {
        return Refuse(APP_ERR_COMM_INVALID_PARAM, "MxbsMalloc: the size must be 1 to 4294967296 bytes.");
    }
    if (!OnHost(data.type) && DeviceInUse() < 0) {
        LogError << "MxbsMalloc: no device was set." << GetErrorInfo(NO_CONTEXT, "aclrtMalloc");
        return APP_ERR_ACL_BAD_ALLOC;
    }
    if (data.type == MemoryData::MEMORY_HOST_NEW) {
        data.ptrData = new (std::nothrow) char[data.size];
        data.free = FreeNew;
    } else {
        data.ptrData = std::malloc(data.size);
        data.free = FreeMalloc;
    }
    return data.ptrData == nullptr ? Refuse(APP_ERR_ACL_BAD_ALLOC, "MxbsMalloc: no memory left.") : APP_ERR_OK;
}

APP_ERROR MemoryHelper::MxbsFree(MemoryData& data)
{
    if (data.ptrData == nullptr) {
        return Refuse(APP_ERR_COMM_INVALID_POINTER, "MxbsFree: no memory is there.");
    }
    // A pointer that was put in by hand has no free function: its kind decides, as in the SDK.
    APP_ERROR (*release)(void*) = data.type == MemoryData::MEMORY_HOST_NEW ? FreeNew : FreeMalloc;
    APP_ERROR ret = (data.free == nullptr ? release : data.free)(data.ptrData);
    data.ptrData = nullptr;
    return ret;
}

APP_ERROR MemoryHelper::MxbsMemset(MemoryData& data, int32_t value, size_t count)
{
    if (data.ptrData == nullptr) {
        return Refuse(APP_ERR_COMM_INVALID_POINTER, "MxbsMemset: no memory is there.");
    }
    if (count == 0 || count > data.size) {
        return Refuse(APP_ERR_COMM_INVALID_PARAM, "MxbsMemset: no bytes, or more than there are.");
    }
    std::memset(data.ptrData, value, count);
    return APP_ERR_OK;
}

APP_ERROR MemoryHelper::MxbsMemcpy(MemoryData& dest, const MemoryData& src, size_t count)
{
    if (dest.ptrData == nullptr || src.ptrData == nullptr) {
        return Refuse(APP_ERR_COMM_INVALID_POINTER, "MxbsMemcpy: no memory is there.");
    }
    if (count == 0 || count > dest.size || (src.size > 0 && count > src.size)) {
        return Refuse(APP_ERR_COMM_INVALID_PARAM, "MxbsMemcpy: no bytes, or more than there are.");
    }
    std::memmove(dest.ptrData, src.ptrData, count);
    return APP_ERR_OK;
}

APP_ERROR MemoryHelper::MxbsMallocAndCopy(MemoryData& dest, const MemoryData& src)
{
    if (src.ptrData == nullptr) {
        return Refuse(APP_ERR_COMM_INVALID_POINTER, "MxbsMallocAndCopy: no memory is there.");
    }
    if (src.size == 0) {
        return Refuse(APP_ERR_COMM_INVALID_PARAM, "MxbsMallocAndCopy: a source of 0 bytes.");
    }
    APP_ERROR ret = MxbsMalloc(dest);
    if (ret != APP_ERR_OK) {
        return ret;
    }
    if (MxbsMemcpy(dest, src, src.size) != APP_ERR_OK) {
        MxbsFree(dest);
        return APP_ERR_ACL_BAD_COPY;
    }
    return APP_ERR_OK;
}

APP_ERROR MemoryHelper::Malloc(MemoryData& data) { return MxbsMalloc(data); }

APP_ERROR MemoryHelper::Free(MemoryData& data) { return MxbsFree(data); }

APP_ERROR MemoryHelper::Memset(MemoryData& data, int32_t value, size_t count) { return MxbsMemset(data, value, count); }

APP_ERROR MemoryHelper::Memcpy(MemoryData& dest, const MemoryData& src, size_t count) { return MxbsMemcpy(dest, src, count); }

TensorMemory::TensorMemory(const MemoryData& given, bool borrowed) : data(given), borrowed_(borrowed) {}

TensorMemory::~TensorMemory() { Release(); }

void TensorMemory::Release()
{
    if (!borrowed_ && data.ptrData != nullptr) {
        MemoryHelper::MxbsFree(data);
    }
    data.ptrData = nullptr;
}

APP_ERROR TensorMemory::Allocate()
{
    MemoryData fresh(data.size, data.type, data.deviceId);
    APP_ERROR ret = OnHost(data.type) ? static_cast<APP_ERROR>(APP_ERR_OK) : UseDevice(data.deviceId);
    ret = ret == APP_ERR_OK ? MemoryHelper::MxbsMalloc(fresh) : ret;
    if (ret == APP_ERR_OK) {
        Release();
        data = fresh;
        borrowed_ = false;
    }
    return ret;
}

APP_ERROR TensorMemory::MoveTo(MemoryData::MemoryType type, int32_t deviceId)
{
    // As in the SDK, the device that the bytes go to becomes the thread's; on the way to the host, the one that they come from.
    int32_t device = OnHost(type) ? data.deviceId : deviceId;
    bool hostOnly = OnHost(type) && OnHost(data.type);
    APP_ERROR ret = hostOnly ? static_cast<APP_ERROR>(APP_ERR_OK) : UseDevice(device);
    if (ret != APP_ERR_OK) {
        return ret;
    }
    if (data.ptrData == nullptr) {
        return Refuse(APP_ERR_COMM_INVALID_PARAM, "The tensor has no memory yet.");
    }
    MemoryData fresh(data.size, type, deviceId);
    ret = MemoryHelper::MxbsMallocAndCopy(fresh, data);
    if (ret == APP_ERR_OK) {
        Release();
        data = fresh;
        borrowed_ = false;
    }
    return ret;
}
}  // namespace MxBase
