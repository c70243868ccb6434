// Log streams of the SDK: LogInfo << ... << as of glog, which the SDK is built on and the emulator is not.
//
// A line is `<L><YYYYMMDD> HH:MM:SS.uuuuuu <thread> <file>:<line>] <text>` (glog 0.5 and later; older SDKs print MMDD). Without
// Log::Init all lines go to stderr, after one line that warns of it. After Log::Init they go to files as logging.conf says, and to
// stderr from console_level on. LogFatal ends the process (abort), as glog does.
#ifndef OMGATE_MXBASE_LOG_H
#define OMGATE_MXBASE_LOG_H

#include <atomic>
#include <map>
#include <memory>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "MxBase/ErrorCode/ErrorCode.h"

namespace MxBase {
enum LogLevels {
    LOG_LEVEL_DEBUG = -1,
    LOG_LEVEL_INFO = 0,
    LOG_LEVEL_WARN = 1,
    LOG_LEVEL_ERROR = 2,
    LOG_LEVEL_FATAL = 3,
    LOG_LEVEL_NONE
};

class Log {
public:
    /// Read logging.conf, print the start-up lines on stdout and open the files. MxInit does it, InitDevices does not.
    static APP_ERROR Init();
    /// The same with the built-in values instead of logging.conf.
    static APP_ERROR InitWithoutCfg();
    /// Close the files; they become read-only (0400).
    static APP_ERROR Deinit();
};

/// One line, written when the object goes: the emulator's part behind the macros.
class LogLine {
public:
    LogLine(const char* file, int line, int level);
    ~LogLine();
    LogLine(const LogLine&) = delete;
    LogLine& operator=(const LogLine&) = delete;
    std::ostream& Stream() { return text_; }

    /// True where a line of this level, the n-th of its call site, is to be written (global_level, log_flow_control_frequency).
    static bool Due(int level, std::atomic<unsigned long>& calls);

private:
    const char* file_;
    int line_;
    int level_;
    std::ostringstream text_;
};

/// Makes both branches of the macros' `?:` void; `&` binds weaker than `<<`.
struct LogNothing {
    void operator&(std::ostream&) {}
};
}  // namespace MxBase

// A lambda holds each call site's own counter, so that a macro is one expression and fits in an `if` without braces.
#define MXBASE_EMULATED_LOG(level)                                                 \
    !::MxBase::LogLine::Due(level, []() -> std::atomic<unsigned long>& {           \
        static std::atomic<unsigned long> calls(0);                                \
        return calls;                                                              \
    }())                                                                           \
        ? (void)0                                                                  \
        : ::MxBase::LogNothing() & ::MxBase::LogLine(__FILE__, __LINE__, level).Stream()

#define FILELINE __FILE__, __FUNCTION__, __LINE__
#define LogDebug MXBASE_EMULATED_LOG(::MxBase::LOG_LEVEL_DEBUG)
#define LogInfo MXBASE_EMULATED_LOG(::MxBase::LOG_LEVEL_INFO)
#define LogWarn MXBASE_EMULATED_LOG(::MxBase::LOG_LEVEL_WARN)
#define LogError MXBASE_EMULATED_LOG(::MxBase::LOG_LEVEL_ERROR)
#define LogFatal MXBASE_EMULATED_LOG(::MxBase::LOG_LEVEL_FATAL)

#endif
