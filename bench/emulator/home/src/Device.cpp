// Devices, their context and streams, and the global start: one engine stands for all devices.
#include "../include-old/MxBase/Tensor/TensorContext/TensorContext.h"
#include "Engine.h"
#include "MxBase/Asynchron/AscendStream.h"
#include "MxBase/DeviceManager/DeviceManager.h"
#include "MxBase/E2eInfer/GlobalInit/GlobalInit.h"
#include "MxBase/Log/Log.h"

namespace MxBase {
namespace {
const int32_t DEVICES = 4;

APP_ERROR StartEngine()
{
    std::string message;
    APP_ERROR ret = Engine::Get().Start(message);
    if (ret != APP_ERR_OK) {
        LogError << "Init devices failed: " << message << GetErrorInfo(ret);
    }
    return ret;
}
}  // namespace

DeviceManager::~DeviceManager() = default;

DeviceManager* DeviceManager::GetInstance()
{
    static DeviceManager* manager = new DeviceManager();  // as long as the process: static objects release devices when they go
    return manager;
}

APP_ERROR DeviceManager::InitDevices(std::string)
{
    std::lock_guard<std::mutex> lock(mutex_);
    APP_ERROR ret = StartEngine();
    inits_ += ret == APP_ERR_OK ? 1 : 0;
    return ret;
}

APP_ERROR DeviceManager::GetDevicesCount(uint32_t& deviceCount)
{
    APP_ERROR ret = StartEngine();
    deviceCount = ret == APP_ERR_OK ? DEVICES : 0;
    return ret;
}

APP_ERROR DeviceManager::GetCurrentDevice(DeviceContext& device)
{
    std::lock_guard<std::mutex> lock(mutex_);
    device.devId = current_;
    device.devStatus = DeviceContext::USING;
    return APP_ERR_OK;
}

APP_ERROR DeviceManager::SetDevice(DeviceContext device)
{
    APP_ERROR ret = CheckDeviceId(device.devId);
    ret = ret == APP_ERR_OK ? StartEngine() : ret;
    std::lock_guard<std::mutex> lock(mutex_);
    current_ = ret == APP_ERR_OK ? device.devId : current_;
    return ret;
}

APP_ERROR DeviceManager::DestroyDevices()
{
    std::lock_guard<std::mutex> lock(mutex_);
    if (inits_ == 0) {
        LogError << "Devices are not initialised, or released already."
                 << GetErrorInfo(APP_ERR_DEVICE_MANAGER_DESTROY_DEVICE_CHECK_ERROR);
        return APP_ERR_DEVICE_MANAGER_DESTROY_DEVICE_CHECK_ERROR;
    }
    if (--inits_ == 0) {
        Engine::Get().Stop();
    }
    return APP_ERR_OK;
}

bool DeviceManager::IsInitDevices() const
{
    std::lock_guard<std::mutex> lock(mutex_);
    return inits_ > 0;
}

APP_ERROR DeviceManager::CheckDeviceId(int32_t deviceId)
{
    if (deviceId >= 0 && deviceId < DEVICES) {
        return APP_ERR_OK;
    }
    LogError << "No device " << deviceId << ": the emulated machine has " << DEVICES << ", numbered from 0."
             << GetErrorInfo(APP_ERR_DEVICE_MANAGER_QUERY_DEVICE_ERROR);
    return APP_ERR_DEVICE_MANAGER_QUERY_DEVICE_ERROR;
}

bool DeviceManager::IsAscend310() { return false; }
bool DeviceManager::IsAscend310B() { return false; }
bool DeviceManager::IsAscend310P() { return false; }
bool DeviceManager::IsAtlas800IA2() { return false; }
std::string DeviceManager::GetSocName() { return "emulated"; }

std::shared_ptr<TensorContext> TensorContext::GetInstance()
{
    static std::shared_ptr<TensorContext>* context = new std::shared_ptr<TensorContext>(new TensorContext());
    return *context;
}

APP_ERROR TensorContext::SetContext(const uint32_t& deviceId)
{
    DeviceContext device;
    device.devId = static_cast<int32_t>(deviceId);
    return DeviceManager::GetInstance()->SetDevice(device);
}

AscendStream::AscendStream(int32_t deviceId) : deviceId_(deviceId) {}
AscendStream::~AscendStream() = default;
APP_ERROR AscendStream::CreateAscendStream() { return DeviceManager::GetInstance()->CheckDeviceId(deviceId_); }
APP_ERROR AscendStream::DestroyAscendStream() { return APP_ERR_OK; }
APP_ERROR AscendStream::Synchronize() const { return APP_ERR_OK; }
int32_t AscendStream::GetDeviceId() const { return deviceId_; }

AscendStream& AscendStream::DefaultStream()
{
    static AscendStream* stream = []() {
        AscendStream* made = new AscendStream(0);
        made->isDefault_ = true;
        return made;
    }();
    return *stream;
}

APP_ERROR MxInit()
{
    APP_ERROR ret = Log::Init();
    return ret == APP_ERR_OK ? DeviceManager::GetInstance()->InitDevices() : ret;
}

APP_ERROR MxInit(const AppGlobalCfg&) { return MxInit(); }

APP_ERROR MxInit(const AppGlobalCfgExtra&) { return MxInit(); }

APP_ERROR MxDeInit()
{
    APP_ERROR ret = DeviceManager::GetInstance()->DestroyDevices();
    Log::Deinit();
    return ret;
}
}  // namespace MxBase
