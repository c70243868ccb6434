// Which device a thread works on.
#ifndef OMGATE_SRC_DEVICE_H
#define OMGATE_SRC_DEVICE_H

#include <cstdint>

#include "MxBase/ErrorCode/ErrorCode.h"

namespace MxBase {
/// ACL's code where device work is asked for and no device was set (ACL_ERROR_RT_CONTEXT_NULL).
const APP_ERROR NO_CONTEXT = 107002;

/// DeviceManager::SetDevice for this thread.
APP_ERROR UseDevice(int32_t deviceId);

/// The device that this thread has set, else the one that was set last in any thread, -1 where none was since the devices began. CANN
/// may ask each thread to set its own; which of its versions do is unconfirmed, and a program that runs there is not to fail here.
int32_t DeviceInUse();
}  // namespace MxBase

#endif
