// Begin and end of a program of the second C++ interface.
#ifndef OMGATE_MXBASE_GLOBAL_INIT_H
#define OMGATE_MXBASE_GLOBAL_INIT_H

#include <cstdint>

#include "MxBase/Log/Log.h"

namespace MxBase {
struct AppGlobalCfg {
    uint32_t vpcChnNum = 48;
};

struct AppGlobalCfgExtra {
    uint32_t vpcChnNum = 48;
    uint32_t jpegdChnNum = 24;
    uint32_t pngdChnNum = 24;
    uint32_t jpegeChnNum = 24;
    virtual ~AppGlobalCfgExtra() = default;
};

/// Log::Init and DeviceManager::InitDevices. A second call is accepted (what the SDK does is unconfirmed).
APP_ERROR MxInit();
// The channels are the image decoder's, which the emulator lacks: the numbers change nothing.
APP_ERROR MxInit(const AppGlobalCfg& globalCfg);
APP_ERROR MxInit(const AppGlobalCfgExtra& globalCfgExtra);
/// The opposite; every Model and Tensor must be gone before it. 0, also a second time; 1001 where nothing was begun (the SDK may throw).
APP_ERROR MxDeInit();
}  // namespace MxBase

#endif
