// Choice of the device for tensors: SDK 2.0 to 6.x; 7.0.RC1 removed it (DeviceManager::SetDevice replaces it).
#ifndef OMGATE_MXBASE_TENSOR_CONTEXT_H
#define OMGATE_MXBASE_TENSOR_CONTEXT_H

#include <cstdint>
#include <memory>

#include "MxBase/ErrorCode/ErrorCode.h"

namespace MxBase {
class TensorContext {
public:
    static std::shared_ptr<TensorContext> GetInstance();
    /// DeviceManager::SetDevice: starts the devices where InitDevices did not, with its codes; 1004 for a device that is not here.
    APP_ERROR SetContext(const uint32_t& deviceId);

private:
    TensorContext() = default;
};
}  // namespace MxBase

#endif
