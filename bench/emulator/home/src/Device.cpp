// Devices, their context and streams, and the global start: one engine stands for all devices.
#include "Device.h"

#include <atomic>
#include <stdexcept>

#include "../include-old/MxBase/Tensor/TensorContext/TensorContext.h"
#include "Engine.h"
#include "MxBase/Asynchron/AscendStream.h"
#include "MxBase/DeviceManager/DeviceManager.h"
#include "MxBase/E2eInfer/GlobalInit/GlobalInit.h"
#include "MxBase/Log/Log.h"

namespace MxBase {
namespace {
/// A device that was set, and the run of the engine that it belongs to: what was set before DestroyDevices is set no longer.
struct Context {
    int32_t device;
    unsigned long epoch;
};

thread_local Context ofThread = {-1, 0};
std::atomic<int32_t> lastDevice(-1);
std::atomic<unsigned long> lastEpoch(0);

/// -1 where it is no longer valid.
int32_t Valid(int32_t device, unsigned long epoch)
{
    unsigned long now = Engine::Get().Epoch();
    return now != 0 && now == epoch ? device : -1;
}

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

APP_ERROR UseDevice(int32_t deviceId)
{
    DeviceContext device;
    device.devId = deviceId;
    return DeviceManager::GetInstance()->SetDevice(device);
}

int32_t DeviceInUse()
{
    int32_t own = Valid(ofThread.device, ofThread.epoch);
    return own >= 0 ? own : Valid(lastDevice, lastEpoch);
}

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
    if (ret == APP_ERR_OK) {
        begun_ = true;
        count_ = Engine::Get().Devices();
    }
    return ret;
}

APP_ERROR DeviceManager::GetDevicesCount(uint32_t& deviceCount)
{
    std::lock_guard<std::mutex> lock(mutex_);
    deviceCount = count_;
    return APP_ERR_OK;
}

APP_ERROR DeviceManager::GetCurrentDevice(DeviceContext& device)
{
    int32_t own = Valid(ofThread.device, ofThread.epoch);
    if (own < 0) {
        return APP_ERR_ACL_FAILURE;  // without a line in the log, as in the SDK: programs ask before they set one
    }
    device.devId = own;
    device.devStatus = DeviceContext::USING;
    return APP_ERR_OK;
}

APP_ERROR DeviceManager::SetDevice(DeviceContext device)
{
    // After DestroyDevices the engine starts again here.
    APP_ERROR ret = IsInitDevices() ? StartEngine() : InitDevices();
    ret = ret == APP_ERR_OK ? CheckDeviceId(device.devId) : ret;
    if (ret == APP_ERR_OK) {
        unsigned long epoch = Engine::Get().Epoch();
        ofThread = Context{device.devId, epoch};
        lastDevice = device.devId;
        lastEpoch = epoch;
    }
    return ret;
}

APP_ERROR DeviceManager::DestroyDevices()
{
    std::lock_guard<std::mutex> lock(mutex_);
    if (!begun_) {
        LogError << "Devices were never initialised." << GetErrorInfo(APP_ERR_COMM_OUT_OF_RANGE);
        return APP_ERR_COMM_OUT_OF_RANGE;
    }
    Engine::Get().Stop();
    return APP_ERR_OK;
}

bool DeviceManager::IsInitDevices() const
{
    std::lock_guard<std::mutex> lock(mutex_);
    return begun_;
}

APP_ERROR DeviceManager::CheckDeviceId(int32_t deviceId)
{
    std::lock_guard<std::mutex> lock(mutex_);
    if (deviceId >= 0 && deviceId < static_cast<int32_t>(count_)) {
        return APP_ERR_OK;
    }
    LogError << "No device " << deviceId << ": "
             << (begun_ ? "the emulated machine has " + std::to_string(count_) + ", numbered from 0." : "InitDevices was not called.")
             << GetErrorInfo(APP_ERR_COMM_INVALID_PARAM);
    return APP_ERR_COMM_INVALID_PARAM;
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

APP_ERROR TensorContext::SetContext(const uint32_t& deviceId) { return UseDevice(static_cast<int32_t>(deviceId)); }

AscendStream::AscendStream(int32_t deviceId) : deviceId_(deviceId)
{
    APP_ERROR ret = DeviceManager::GetInstance()->CheckDeviceId(deviceId);
    if (ret != APP_ERR_OK || UseDevice(deviceId) != APP_ERR_OK) {
        throw std::runtime_error(GetErrorInfo(APP_ERR_COMM_INIT_FAIL));
    }
}

AscendStream::AscendStream(Default) : isDefault_(true) {}
AscendStream::~AscendStream() = default;
APP_ERROR AscendStream::CreateAscendStream() { return APP_ERR_OK; }
APP_ERROR AscendStream::DestroyAscendStream() { return APP_ERR_OK; }
APP_ERROR AscendStream::Synchronize() const { return APP_ERR_OK; }
int32_t AscendStream::GetDeviceId() const { return deviceId_; }

AscendStream& AscendStream::DefaultStream()
{
    static AscendStream* stream = new AscendStream(Default());
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
    return ret == APP_ERR_OK ? ret : static_cast<APP_ERROR>(APP_ERR_COMM_FAILURE);
}
}  // namespace MxBase
