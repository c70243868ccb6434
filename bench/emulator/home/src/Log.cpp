// The log: to stderr before Log::Init, then to files and from console_level on to stderr, with glog's line format.
#include "MxBase/Log/Log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iostream>
#include <mutex>

#include "LogConf.h"

namespace MxBase {
namespace {
const char LETTERS[] = {'I', 'I', 'W', 'E', 'F'};  // from LOG_LEVEL_DEBUG on
const char* const FILES[] = {"info", "warn", "error", "fatal"};
const int FILE_COUNT = 4;
const time_t REREAD_SECONDS = 2;

struct Logger {
    std::recursive_mutex mutex;
    LogConf conf;
    bool open = false;
    bool warned = false;
    time_t readAt = 0;
    std::string program;
    int files[FILE_COUNT] = {-1, -1, -1, -1};
    unsigned long bytes[FILE_COUNT] = {0, 0, 0, 0};
    std::string paths[FILE_COUNT];
};

/// Never destroyed: other static objects may log when they go.
Logger& TheLogger()
{
    static Logger* logger = new Logger();
    return *logger;
}

void WriteAll(int descriptor, const std::string& text)
{
    size_t done = 0;
    while (done < text.size()) {
        ssize_t written = write(descriptor, text.data() + done, text.size() - done);
        if (written < 0 && errno != EINTR) {
            return;
        }
        done += written > 0 ? static_cast<size_t>(written) : 0;
    }
}

void Say(const char* text) { std::cout << text << std::endl; }

std::string Stamp(const char* format, time_t second)
{
    char text[64];
    struct tm local;
    localtime_r(&second, &local);
    std::strftime(text, sizeof(text), format, &local);
    return text;
}

std::string Line(const char* file, int number, int level, const std::string& text)
{
    struct timeval now;
    gettimeofday(&now, nullptr);
    const char* slash = std::strrchr(file, '/');
    char rest[48];
    std::snprintf(rest, sizeof(rest), ".%06ld %5ld ", static_cast<long>(now.tv_usec), static_cast<long>(syscall(SYS_gettid)));
    std::string line = LETTERS[level + 1] + Stamp("%Y%m%d %H:%M:%S", now.tv_sec) + rest +
                       (slash == nullptr ? file : slash + 1) + ":" + std::to_string(number) + "] " + text;
    if (line.back() != '\n') {  // as glog: a text that ends its line itself gets no second end
        line += '\n';
    }
    return line;
}

bool Create(Logger& logger, int level)
{
    time_t now = std::time(nullptr);
    std::string path = logger.conf.folder + "/" + logger.conf.baseName + logger.program + "." + FILES[level] +
                       Stamp(".%Y%m%d-%H%M%S.", now) + std::to_string(getpid());
    chmod(path.c_str(), 0600);  // full and followed by another within one second
    int file = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) {
        return false;
    }
    char machine[256] = "";
    gethostname(machine, sizeof(machine) - 1);
    WriteAll(file, Stamp("Log file created at: %Y/%m/%d %H:%M:%S\n", now) + "Running on machine: " + machine +
                       "\nLog line format: [IWEF]yyyymmdd hh:mm:ss.uuuuuu threadid file:line] msg\n");
    logger.files[level] = file;
    logger.paths[level] = path;
    logger.bytes[level] = 0;
    return true;
}

void Close(Logger& logger, int level)
{
    if (logger.files[level] >= 0) {
        close(logger.files[level]);
        chmod(logger.paths[level].c_str(), 0400);
        logger.files[level] = -1;
    }
}

void Append(Logger& logger, int level, const std::string& line)
{
    if (logger.files[level] < 0 && !Create(logger, level)) {
        WriteAll(STDERR_FILENO, std::string("COULD NOT CREATE THE ") + FILES[level] + " LOG in " + logger.conf.folder + "\n");
        return;
    }
    WriteAll(logger.files[level], line);
    logger.bytes[level] += line.size();
    if (logger.bytes[level] >= logger.conf.maxBytes) {
        Close(logger, level);
    }
}

void Reread(Logger& logger)
{
    if (!logger.open || logger.conf.path.empty() || std::time(nullptr) - logger.readAt < REREAD_SECONDS) {
        return;
    }
    logger.readAt = std::time(nullptr);
    LogConf conf = ReadLogConf(logger.conf.path);
    if (!conf.path.empty()) {  // being rewritten just now; where the files lie never changes
        conf.folder = logger.conf.folder;
        conf.baseName = logger.conf.baseName;
        logger.conf = conf;
    }
}

std::string Program()
{
    char name[64] = "";
    int file = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? 0 : read(file, name, sizeof(name) - 1);
    if (file >= 0) {
        close(file);
    }
    std::string text(name, got > 0 ? static_cast<size_t>(got) : 0);
    return text.substr(0, text.find('\n'));
}

bool MakeFolders(const std::string& path)
{
    for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
        mkdir(path.substr(0, slash).c_str(), 0750);
    }
    return mkdir(path.c_str(), 0750) == 0 || errno == EEXIST;
}

bool Allowed(const LogConf& conf)
{
    struct stat found;
    if (!conf.path.empty() && (conf.folder + "/").compare(0, HomeFolder().size() + 1, HomeFolder() + "/") != 0) {
        Say("Log directory can be set only in the home directory of the user.");
        Say("Check log dir failed.");
        return false;
    }
    if (lstat(conf.folder.c_str(), &found) == 0 && S_ISLNK(found.st_mode)) {
        Say("Log directory cannot be a link.");
        return false;
    }
    return true;
}

bool Folder(const std::string& path)
{
    struct stat found;
    if (stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) {
        Say("The output directory of logs file exist.");
        return true;
    }
    if (!MakeFolders(path)) {
        Say("Failed to create directory.");
        return false;
    }
    Say("The output directory of logs file doesn't exist.");
    Say("Create directory to save logs information.");
    return true;
}

APP_ERROR Begin(bool configured)
{
    Logger& logger = TheLogger();
    std::lock_guard<std::recursive_mutex> lock(logger.mutex);
    if (logger.open) {
        return APP_ERR_OK;
    }
    Say("Begin to initialize Log.");
    logger.conf = configured ? ReadLogConf() : LogConf();
    logger.readAt = std::time(nullptr);
    if (configured && logger.conf.path.empty()) {
        Say("Failed to load log config file, use default log config value.");
    }
    if (!Allowed(logger.conf) || !Folder(logger.conf.folder)) {
        return APP_ERR_COMM_INIT_FAIL;
    }
    logger.program = Program();
    logger.open = true;
    Say("Save logs information to specified directory.");
    return APP_ERR_OK;
}
}  // namespace

APP_ERROR Log::Init() { return Begin(true); }

APP_ERROR Log::InitWithoutCfg() { return Begin(false); }

APP_ERROR Log::Deinit()
{
    Logger& logger = TheLogger();
    std::lock_guard<std::recursive_mutex> lock(logger.mutex);
    for (int level = 0; level < FILE_COUNT; ++level) {
        Close(logger, level);
    }
    logger.open = false;
    return APP_ERR_OK;
}

bool LogLine::Due(int level, std::atomic<unsigned long>& calls)
{
    Logger& logger = TheLogger();
    std::lock_guard<std::recursive_mutex> lock(logger.mutex);
    Reread(logger);
    // Before Log::Init glog decides: its threshold for debug lines is 0, which -1 does not exceed, so it prints them.
    if (logger.open && level < logger.conf.globalLevel) {
        return false;
    }
    return calls++ % (logger.open ? logger.conf.flowControl : 1) == 0;
}

LogLine::LogLine(const char* file, int line, int level) : file_(file), line_(line), level_(level) {}

LogLine::~LogLine()
{
    Logger& logger = TheLogger();
    {
        std::lock_guard<std::recursive_mutex> lock(logger.mutex);
        std::string line = Line(file_, line_, level_, text_.str());
        if (!logger.open && !logger.warned) {
            logger.warned = true;
            WriteAll(STDERR_FILENO, "WARNING: Logging before InitGoogleLogging() is written to STDERR\n");
        }
        if (!logger.open || level_ >= logger.conf.consoleLevel) {
            WriteAll(STDERR_FILENO, line);
        }
        int highest = level_ < LOG_LEVEL_INFO ? LOG_LEVEL_INFO : level_;
        for (int level = 0; logger.open && level <= highest; ++level) {
            Append(logger, level, line);
        }
    }
    if (level_ == LOG_LEVEL_FATAL) {
        std::abort();
    }
}
}  // namespace MxBase
