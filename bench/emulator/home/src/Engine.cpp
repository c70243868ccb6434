#include "Engine.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <sstream>

#include "MxBase/Log/Log.h"

namespace MxBase {
namespace {
const char MAGIC[] = {'O', 'M', 'G', 'E'};
const size_t PREFIX_BYTES = 16;
const uint32_t HEADER_BYTES_LIMIT = 1U << 20;
const uint64_t PAYLOAD_BYTES_LIMIT = 8ULL << 30;
const int END_TRIES = 200;  // of 10 ms: how long an engine whose socket is closed may take before it is killed

void PutNumber(std::string& text, uint64_t number, int bytes)
{
    for (int index = 0; index < bytes; ++index) {
        text += static_cast<char>(number >> (8 * index) & 0xFF);
    }
}

uint64_t TakeNumber(const unsigned char* data, int bytes)
{
    uint64_t number = 0;
    for (int index = bytes - 1; index >= 0; --index) {
        number = number << 8 | data[index];
    }
    return number;
}

/// The tests' knob: a driver that brings the program down.
void Crash()
{
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
}
}  // namespace

int64_t Answer::Number(const std::string& key) const { return std::strtoll(Text(key).c_str(), nullptr, 10); }

const std::string& Answer::Text(const std::string& key) const
{
    static const std::string nothing;
    auto found = fields.find(key);
    return found == fields.end() ? nothing : found->second;
}

Engine& Engine::Get()
{
    // Never destroyed: models may be static objects that go after it. The engine sees the socket close when the process ends.
    static Engine* engine = new Engine();
    return *engine;
}

unsigned long Engine::Epoch()
{
    std::lock_guard<std::recursive_mutex> lock(mutex_);
    return socket_ < 0 || owner_ != getpid() ? 0 : epoch_;
}

APP_ERROR Engine::Start(std::string& message)
{
    std::lock_guard<std::recursive_mutex> lock(mutex_);
    if (socket_ >= 0 && owner_ == getpid()) {
        return APP_ERR_OK;
    }
    if (socket_ >= 0) {  // after a fork: the engine is the parent's
        close(socket_);
        socket_ = -1;
    }
    APP_ERROR ret = Launch(message);
    if (ret != APP_ERR_OK) {
        return ret;
    }
    Answer hello = Exchange("op=hello\n", {});
    if (hello.code != APP_ERR_OK) {
        message = hello.message;
        End();
    }
    devices_ = static_cast<uint32_t>(hello.Number("devices"));
    return hello.code;
}

uint32_t Engine::Devices()
{
    std::lock_guard<std::recursive_mutex> lock(mutex_);
    std::string message;
    if (Start(message) == APP_ERR_OK) {
        return devices_;
    }
    LogError << "Get device count failed: " << message << GetErrorInfo(APP_ERR_ACL_FAILURE);
    return 0;
}

APP_ERROR Engine::Launch(std::string& message)
{
    const char* home = std::getenv("MX_SDK_HOME");
    if (home == nullptr || *home == '\0') {
        message = "MX_SDK_HOME is not set: source the set_env.sh of the SDK home";
        return APP_ERR_COMM_SDK_HOME_NOSET;
    }
    const std::string program = std::string(home) + "/bin/omgate-engine";
    if (access(program.c_str(), X_OK) != 0) {
        message = "MX_SDK_HOME=" + std::string(home) + " has no bin/omgate-engine, so it is not omgate's emulated home:" +
                  " source the set_env.sh of one home only";
        return APP_ERR_COMM_INVALID_PARAM;
    }
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        message = std::string("no socket for the engine: ") + std::strerror(errno);
        return APP_ERR_COMM_INNER;
    }
    const std::string number = std::to_string(ends[1]);
    char* const arguments[] = {const_cast<char*>(program.c_str()), const_cast<char*>(number.c_str()), nullptr};
    pid_t process = fork();
    if (process == 0) {  // only what is safe between fork and exec
        fcntl(ends[1], F_SETFD, 0);
        int nothing = open("/dev/null", O_RDONLY);
        if (nothing >= 0) {
            dup2(nothing, STDIN_FILENO);
        }
        execv(program.c_str(), arguments);
        _exit(127);
    }
    close(ends[1]);
    if (process < 0) {
        close(ends[0]);
        message = std::string("no process for the engine: ") + std::strerror(errno);
        return APP_ERR_COMM_INNER;
    }
    socket_ = ends[0];
    process_ = process;
    owner_ = getpid();
    ++epoch_;
    return APP_ERR_OK;
}

void Engine::Stop()
{
    std::lock_guard<std::recursive_mutex> lock(mutex_);
    End();
}

void Engine::End()
{
    if (socket_ < 0) {
        return;
    }
    close(socket_);
    socket_ = -1;
    if (owner_ != getpid()) {
        return;
    }
    for (int tries = 0; tries < END_TRIES; ++tries) {
        pid_t ended = waitpid(process_, nullptr, WNOHANG);
        if (ended != 0 && !(ended < 0 && errno == EINTR)) {
            return;
        }
        usleep(10000);
    }
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
}

Answer Engine::Ask(const std::string& header, const std::vector<Part>& parts)
{
    std::lock_guard<std::recursive_mutex> lock(mutex_);
    Answer answer;
    answer.code = Start(answer.message);
    return answer.code == APP_ERR_OK ? Exchange(header, parts) : answer;
}

Answer Engine::Exchange(const std::string& header, const std::vector<Part>& parts)
{
    Answer answer;
    if (!Send(header, parts) || !Receive(answer)) {
        answer = Answer();
        answer.code = APP_ERR_COMM_INNER;
        answer.message = "the emulator's engine (pid " + std::to_string(process_) + ") has ended: see what it wrote to stderr";
        End();
        return answer;
    }
    if (answer.Text("crash") == "1") {
        Crash();
    }
    answer.code = static_cast<APP_ERROR>(answer.Number("code"));
    answer.message = answer.Text("message");
    return answer;
}

bool Engine::Send(const std::string& header, const std::vector<Part>& parts)
{
    uint64_t payload = 0;
    for (const Part& part : parts) {
        payload += part.size;
    }
    std::string begin(MAGIC, sizeof(MAGIC));
    PutNumber(begin, header.size(), 4);
    PutNumber(begin, payload, 8);
    begin += header;
    std::vector<Part> left(1, Part{begin.data(), begin.size()});
    left.insert(left.end(), parts.begin(), parts.end());
    for (const Part& part : left) {
        const char* data = static_cast<const char*>(part.data);
        for (size_t done = 0; done < part.size;) {
            ssize_t sent = send(socket_, data + done, part.size - done, MSG_NOSIGNAL);
            if (sent < 0 && errno != EINTR) {
                return false;
            }
            done += sent > 0 ? static_cast<size_t>(sent) : 0;
        }
    }
    return true;
}

bool Engine::Receive(Answer& answer)
{
    unsigned char prefix[PREFIX_BYTES];
    if (!Exactly(prefix, sizeof(prefix)) || std::memcmp(prefix, MAGIC, sizeof(MAGIC)) != 0) {
        return false;
    }
    uint64_t headerBytes = TakeNumber(prefix + 4, 4);
    uint64_t payloadBytes = TakeNumber(prefix + 8, 8);
    if (headerBytes > HEADER_BYTES_LIMIT || payloadBytes > PAYLOAD_BYTES_LIMIT) {
        return false;
    }
    std::string header(headerBytes, '\0');
    try {
        answer.payload.resize(payloadBytes);
    } catch (const std::bad_alloc&) {
        return false;
    }
    if (!Exactly(&header[0], header.size()) || !Exactly(answer.payload.data(), answer.payload.size())) {
        return false;
    }
    std::istringstream lines(header);
    for (std::string line; std::getline(lines, line);) {
        size_t equals = line.find('=');
        if (equals != std::string::npos) {
            answer.fields[line.substr(0, equals)] = line.substr(equals + 1);
        }
    }
    return true;
}

bool Engine::Exactly(void* data, size_t size)
{
    char* begin = static_cast<char*>(data);
    for (size_t done = 0; done < size;) {
        ssize_t got = recv(socket_, begin + done, size - done, 0);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return false;
        }
        done += got > 0 ? static_cast<size_t>(got) : 0;
    }
    return true;
}

std::vector<int64_t> Numbers(const std::string& text)
{
    std::vector<int64_t> numbers;
    std::istringstream parts(text);
    for (std::string part; std::getline(parts, part, ',');) {
        numbers.push_back(std::strtoll(part.c_str(), nullptr, 10));
    }
    return numbers;
}
}  // namespace MxBase
