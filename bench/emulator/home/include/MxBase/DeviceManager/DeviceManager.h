// The devices of this machine: the emulator has one, number 0, which is this computer's processor.
#ifndef OMGATE_MXBASE_DEVICE_MANAGER_H
#define OMGATE_MXBASE_DEVICE_MANAGER_H

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "MxBase/ErrorCode/ErrorCode.h"

namespace MxBase {
const unsigned int DEFAULT_VALUE = 0;

struct DeviceContext {
    enum DeviceStatus {
        IDLE = 0,
        USING
    } devStatus = IDLE;
    int32_t devId = DEFAULT_VALUE;
};

class DeviceManager {
public:
    virtual ~DeviceManager();
    static DeviceManager* GetInstance();

    /// Start what runs the models. 0, also when it runs already (calls are counted); 1013 without a device, 1028 without MX_SDK_HOME.
    APP_ERROR InitDevices(std::string configFilePath = "");
    APP_ERROR GetDevicesCount(uint32_t& deviceCount);
    APP_ERROR GetCurrentDevice(DeviceContext& device);
    APP_ERROR SetDevice(DeviceContext device);
    /// The opposite of InitDevices; 9002 where that was not called, or not so often.
    APP_ERROR DestroyDevices();
    bool IsInitDevices() const;
    /// 0 for a device that is here; 9001 otherwise.
    APP_ERROR CheckDeviceId(int32_t deviceId);

    // None of these is what computes here, and a program that asks must not be told so: all false.
    static bool IsAscend310();
    static bool IsAscend310B();
    static bool IsAscend310P();
    static bool IsAtlas800IA2();
    /// `emulated`: whatever stores it can't be taken for a measurement of a device.
    static std::string GetSocName();

private:
    DeviceManager() = default;
    mutable std::mutex mutex_;
    uint32_t inits_ = 0;
    int32_t current_ = 0;
};
}  // namespace MxBase

#endif
