// Client of the engine: the process that loads and runs emulated .om files for this program (bench/emulator/engine.py tells the
// messages). One engine a process, started at the first need; requests of several threads wait for each other.
#ifndef OMGATE_SRC_ENGINE_H
#define OMGATE_SRC_ENGINE_H

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "MxBase/ErrorCode/ErrorCode.h"

namespace MxBase {
/// Memory of the caller that goes out as part of a request.
struct Part {
    const void* data;
    size_t size;
};

struct Answer {
    APP_ERROR code = APP_ERR_OK;
    std::string message;
    std::map<std::string, std::string> fields;
    std::vector<char> payload;

    /// A whole number; 0 where the field is missing.
    int64_t Number(const std::string& key) const;
    const std::string& Text(const std::string& key) const;
};

class Engine {
public:
    static Engine& Get();

    /// Start it where it does not run. 0; 1028, 1004, 1013 (no device) or 1002, with the reason in `message`.
    APP_ERROR Start(std::string& message);
    /// End it. What was loaded is gone.
    void Stop();
    /// How many devices the machine has, which the engine alone decides; started where it does not run, 0 where it can't be.
    uint32_t Devices();
    /// Changes with each start, so that a model of an engine that has ended is told from a living one.
    unsigned long Epoch();
    /// One request, after a start where it is needed. Never throws; whatever fails is the answer's code and message.
    Answer Ask(const std::string& header, const std::vector<Part>& parts = {});

private:
    Engine() = default;
    APP_ERROR Launch(std::string& message);
    Answer Exchange(const std::string& header, const std::vector<Part>& parts);
    bool Send(const std::string& header, const std::vector<Part>& parts);
    bool Receive(Answer& answer);
    bool Exactly(void* data, size_t size);
    void End();

    std::recursive_mutex mutex_;
    int socket_ = -1;
    pid_t process_ = -1;
    pid_t owner_ = -1;
    unsigned long epoch_ = 0;
    uint32_t devices_ = 0;
};

/// `1,2,3` as numbers.
std::vector<int64_t> Numbers(const std::string& text);
}  // namespace MxBase

#endif
