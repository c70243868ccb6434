#include "LogConf.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>

namespace MxBase {
namespace {
const mode_t WIDEST_MODE = 0640;
const size_t LINE_CHARACTERS = 10000;
const size_t LINES = 100000;

std::string Trimmed(const std::string& text)
{
    size_t first = text.find_first_not_of(' ');
    return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

/// Up to the first blank.
std::string Word(const std::string& text) { return text.substr(0, text.find_first_of(" \t")); }

/// The first of two equal keys counts, `#` ends a line anywhere. False where the SDK would give the whole file up.
bool Parse(const std::string& path, std::map<std::string, std::string>& values)
{
    std::ifstream stream(path.c_str());
    std::string line;
    size_t lines = 0;
    if (!stream) {
        return false;
    }
    while (std::getline(stream, line)) {
        if (line.size() >= LINE_CHARACTERS || ++lines > LINES) {
            return false;
        }
        line = line.substr(0, line.find('#'));
        size_t equals = line.find('=');
        if (equals != std::string::npos) {
            values.insert({Trimmed(line.substr(0, equals)), Trimmed(line.substr(equals + 1))});
        }
    }
    return true;
}

/// The number that the value begins with, within its range; `fallback` where it begins with none.
long Number(const std::map<std::string, std::string>& values, const char* key, long fallback, long low, long high)
{
    auto found = values.find(key);
    if (found == values.end()) {
        return fallback;
    }
    char* end = nullptr;
    long number = std::strtol(found->second.c_str(), &end, 10);
    return end == found->second.c_str() ? fallback : std::min(std::max(number, low), high);
}

bool Trusted(const std::string& path)
{
    struct stat found;
    return stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) && found.st_uid == getuid() &&
           (found.st_mode & 07777 & ~WIDEST_MODE) == 0;
}
}  // namespace

std::string HomeFolder()
{
    const char* home = std::getenv("HOME");
    if (home != nullptr && *home != '\0') {
        return home;
    }
    const struct passwd* user = getpwuid(getuid());
    return user == nullptr ? "/" : user->pw_dir;
}

LogConf ReadLogConf()
{
    const std::string here = "config/logging.conf";
    if (Trusted(here)) {
        return ReadLogConf(here);
    }
    const char* sdk = std::getenv("MX_SDK_HOME");
    return sdk == nullptr || *sdk == '\0' ? LogConf() : ReadLogConf(std::string(sdk) + "/" + here);
}

LogConf ReadLogConf(const std::string& path)
{
    LogConf conf;
    std::map<std::string, std::string> values;
    if (!Parse(path, values)) {
        return conf;
    }
    conf.path = path;
    std::string folder = Word(values["log_dir"]);
    folder = folder.empty() ? "logs" : folder;
    conf.folder = folder[0] == '/' ? folder : HomeFolder() + "/log/mindxsdk/" + folder;
    std::string name = Word(values["base_filename"]);
    conf.baseName = name.empty() ? conf.baseName : name;
    conf.globalLevel = static_cast<int>(Number(values, "global_level", conf.globalLevel, -1, 0));
    conf.consoleLevel = static_cast<int>(Number(values, "console_level", conf.consoleLevel, -1, 3));
    conf.maxBytes = static_cast<unsigned long>(Number(values, "max_log_size", 10, 1, 20)) << 20;
    const char* flow = values.count("log_flow_control_frequency") ? "log_flow_control_frequency" : "flow_control_frequency";
    conf.flowControl = static_cast<unsigned long>(Number(values, flow, 1, 1, 10000));
    return conf;
}
}  // namespace MxBase
