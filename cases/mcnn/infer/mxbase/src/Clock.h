// A monotonic clock, read in laps.
#ifndef MCNN_CLOCK_H
#define MCNN_CLOCK_H

#include <chrono>

namespace mcnn {
class Clock {
public:
    /// Seconds since the last lap, or since the clock was made.
    double Lap()
    {
        Time now = std::chrono::steady_clock::now();
        double seconds = std::chrono::duration<double>(now - last_).count();
        last_ = now;
        return seconds;
    }

private:
    using Time = std::chrono::steady_clock::time_point;
    Time last_ = std::chrono::steady_clock::now();
};
}  // namespace mcnn

#endif
