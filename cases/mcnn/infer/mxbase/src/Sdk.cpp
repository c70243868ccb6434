#include "Sdk.h"

#include "MxBase/DeviceManager/DeviceManager.h"
#include "MxBase/Log/Log.h"

// SDK 2.0 to 6.x have TensorContext and GetError; 7.0 removed both together. Which headers are there is all that tells them apart.
#ifdef __has_include
#if __has_include("MxBase/Tensor/TensorContext/TensorContext.h")
#define MCNN_OLD_SDK
#include "MxBase/Tensor/TensorContext/TensorContext.h"
#endif
#endif

namespace mcnn {
namespace {
APP_ERROR Use(uint32_t number)
{
#ifdef MCNN_OLD_SDK
    return MxBase::TensorContext::GetInstance()->SetContext(number);
#else
    MxBase::DeviceContext context;
    context.devStatus = MxBase::DeviceContext::USING;
    context.devId = static_cast<int32_t>(number);
    return MxBase::DeviceManager::GetInstance()->SetDevice(context);
#endif
}
}  // namespace

std::string ErrorText(APP_ERROR code)
{
#ifdef MCNN_OLD_SDK
    return GetError(code);
#else
    return GetErrorInfo(code);
#endif
}

Device::Device(uint32_t number) : number_(number)
{
    APP_ERROR code = MxBase::DeviceManager::GetInstance()->InitDevices();
    if (code != APP_ERR_OK) {
        throw StartError("the devices can't be used (InitDevices answered " + std::to_string(code) + ")" + ErrorText(code));
    }
    code = Use(number);
    if (code != APP_ERR_OK) {
        MxBase::DeviceManager::GetInstance()->DestroyDevices();
        throw StartError("device " + std::to_string(number) + " can't be used (the SDK answered " + std::to_string(code) +
                         "); npu-smi info lists the devices" + ErrorText(code));
    }
}

Device::~Device()
{
    APP_ERROR code = MxBase::DeviceManager::GetInstance()->DestroyDevices();
    if (code != APP_ERR_OK) {
        LogWarn << "DestroyDevices answered " << code << ErrorText(code);
    }
}
}  // namespace mcnn
