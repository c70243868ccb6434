// The device, and what the two generations of the SDK's C++ interface call differently.
#ifndef MCNN_SDK_H
#define MCNN_SDK_H

#include <cstdint>
#include <stdexcept>
#include <string>

#include "MxBase/ErrorCode/ErrorCode.h"

namespace mcnn {
/// Model or device can't be used: the program can't start.
struct StartError : std::runtime_error {
    explicit StartError(const std::string& text) : std::runtime_error(text) {}
};

/// ` (Code = 1001, Message = "...") ` or what the SDK found has in its place.
std::string ErrorText(APP_ERROR code);

/// Device `number` in use for this thread, until the object goes. Throws StartError.
class Device {
public:
    explicit Device(uint32_t number);
    ~Device();
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    uint32_t Number() const { return number_; }

private:
    uint32_t number_;
};
}  // namespace mcnn

#endif
