// The image decoder of the device, which the emulator lacks: Init and DeInit succeed (programs create it and never use it), the
// others return 1005, "not implemented", and say so in the log.
#ifndef OMGATE_MXBASE_DVPP_WRAPPER_H
#define OMGATE_MXBASE_DVPP_WRAPPER_H

#include <string>
#include <vector>

#include "MxBase/Common/HiddenAttr.h"
#include "MxBase/DvppWrapper/DvppWrapperDataType.h"
#include "MxBase/ErrorCode/ErrorCode.h"

namespace MxBase {
class SDK_AVAILABLE_FOR_OUT DvppWrapper {
public:
    DvppWrapper();
    virtual ~DvppWrapper() {}

    APP_ERROR Init(void);
    APP_ERROR DeInit(void);

    APP_ERROR DvppJpegDecode(DvppDataInfo& inputDataInfo, DvppDataInfo& outputDataInfo);
    APP_ERROR DvppJpegDecode(const std::string& inputPicPath, DvppDataInfo& outputDataInfo);
    APP_ERROR VpcCrop(DvppDataInfo& inputDataInfo, DvppDataInfo& outputDataInfo, CropRoiConfig& cropConfig);
    APP_ERROR VpcResize(DvppDataInfo& inputDataInfo, DvppDataInfo& outputDataInfo, ResizeConfig& resizeConfig);
};
}  // namespace MxBase

#endif
