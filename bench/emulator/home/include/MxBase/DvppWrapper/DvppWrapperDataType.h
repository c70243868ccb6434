// Types of the image decoder's interface; programs name them, the emulator has no decoder.
#ifndef OMGATE_MXBASE_DVPP_WRAPPER_DATA_TYPE_H
#define OMGATE_MXBASE_DVPP_WRAPPER_DATA_TYPE_H

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "MxBase/ErrorCode/ErrorCode.h"
#include "MxBase/MemoryHelper/MemoryHelper.h"

namespace MxBase {
enum MxbasePixelFormat {
    MXBASE_PIXEL_FORMAT_YUV_400 = 0,
    MXBASE_PIXEL_FORMAT_YUV_SEMIPLANAR_420 = 1,
    MXBASE_PIXEL_FORMAT_YVU_SEMIPLANAR_420 = 2,
    MXBASE_PIXEL_FORMAT_RGB_888 = 12,
    MXBASE_PIXEL_FORMAT_BGR_888 = 13
};

struct DvppDataInfo {
    uint32_t width = 0;
    uint32_t height = 0;
    uint32_t widthStride = 0;
    uint32_t heightStride = 0;
    MxbasePixelFormat format = MXBASE_PIXEL_FORMAT_YUV_SEMIPLANAR_420;
    uint32_t frameId = 0;
    uint32_t channelId = 0;
    uint32_t dataSize = 0;
    uint8_t* data = nullptr;
    uint32_t deviceId = 0;
    void (*destory)(void*) = nullptr;  // the SDK's spelling
};

struct CropRoiConfig {
    uint32_t x0;
    uint32_t x1;
    uint32_t y1;
    uint32_t y0;
};

struct ResizeConfig {
    uint32_t height = 0;
    uint32_t width = 0;
    float scale_x = 0.f;
    float scale_y = 0.f;
    uint32_t interpolation = 0;
};
}  // namespace MxBase

#endif
