#include "MxBase/DvppWrapper/DvppWrapper.h"

#include "MxBase/Log/Log.h"

namespace MxBase {
namespace {
APP_ERROR Missing(const char* what)
{
    LogError << what << ": the emulator has no image decoder; decode on the host (OpenCV)." << GetErrorInfo(APP_ERR_COMM_UNREALIZED);
    return APP_ERR_COMM_UNREALIZED;
}
}  // namespace

DvppWrapper::DvppWrapper() = default;

APP_ERROR DvppWrapper::Init(void) { return APP_ERR_OK; }

APP_ERROR DvppWrapper::DeInit(void) { return APP_ERR_OK; }

APP_ERROR DvppWrapper::DvppJpegDecode(DvppDataInfo&, DvppDataInfo&) { return Missing("DvppJpegDecode"); }

APP_ERROR DvppWrapper::DvppJpegDecode(const std::string&, DvppDataInfo&) { return Missing("DvppJpegDecode"); }

APP_ERROR DvppWrapper::VpcCrop(DvppDataInfo&, DvppDataInfo&, CropRoiConfig&) { return Missing("VpcCrop"); }

APP_ERROR DvppWrapper::VpcResize(DvppDataInfo&, DvppDataInfo&, ResizeConfig&) { return Missing("VpcResize"); }
}  // namespace MxBase
