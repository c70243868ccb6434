// The devices of this machine: as many as the emulator's engine says, numbered from 0; all of them are this computer's processor.
// Codes are those of Vision SDK's sources of 2026 (mxBase, ResourceManager/DeviceManager); what earlier versions answered is unconfirmed.
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

    /// Start what runs the models. 0, also when it runs already; 1013 without a device, 1028 without MX_SDK_HOME.
    APP_ERROR InitDevices(std::string configFilePath = "");
    /// Always 0; the count is 0 until InitDevices, and stays after DestroyDevices.
    APP_ERROR GetDevicesCount(uint32_t& deviceCount);
    /// The device that this thread has set; -1 in a thread that has set none.
    APP_ERROR GetCurrentDevice(DeviceContext& device);
    /// Use a device in this thread. Starts the devices where InitDevices did not, with its codes; then as CheckDeviceId.
    APP_ERROR SetDevice(DeviceContext device);
    /// End them, however often InitDevices was called: models are gone, threads have no device. 0, also a second time; 1009 where
    /// InitDevices was never called. That they can be begun again is unconfirmed.
    APP_ERROR DestroyDevices();
    /// True from the first InitDevices that succeeded, also after DestroyDevices.
    bool IsInitDevices() const;
    /// 0 for a device that is here; 1004 for another, and for any before InitDevices.
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
    bool begun_ = false;
    uint32_t count_ = 0;
};
}  // namespace MxBase

#endif
