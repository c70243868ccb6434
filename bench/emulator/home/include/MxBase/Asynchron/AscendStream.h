// A stream of device work. The emulator does everything at once: a stream is always finished.
#ifndef OMGATE_MXBASE_ASCEND_STREAM_H
#define OMGATE_MXBASE_ASCEND_STREAM_H

#include <cstdint>

#include "MxBase/ErrorCode/ErrorCode.h"

namespace MxBase {
class AscendStream {
public:
    /// On a device, which becomes this thread's. Throws std::runtime_error with code 1013 for one that is not here, and before InitDevices.
    explicit AscendStream(int32_t deviceId = 0);
    ~AscendStream();
    APP_ERROR CreateAscendStream();
    APP_ERROR DestroyAscendStream();
    APP_ERROR Synchronize() const;
    int32_t GetDeviceId() const;
    static AscendStream& DefaultStream();

    void* stream = nullptr;
    bool isDefault_ = false;

private:
    struct Default {};
    explicit AscendStream(Default);

    int32_t deviceId_ = 0;
};
}  // namespace MxBase

#endif
