// logging.conf, read by the rules of the emulator's Python side (omgate_emulator/config.py), which are the SDK's.
#ifndef OMGATE_SRC_LOG_CONF_H
#define OMGATE_SRC_LOG_CONF_H

#include <string>

namespace MxBase {
struct LogConf {
    std::string path;  // empty: built-in values
    std::string folder = "/tmp/log/mindx-sdk";
    std::string baseName = "mxsdk.log.";
    int globalLevel = 0;
    int consoleLevel = 2;
    unsigned long maxBytes = 10UL << 20;
    unsigned long flowControl = 1;
};

/// The user's home folder: HOME, else what the user database says.
std::string HomeFolder();
/// ./config/logging.conf where it is the user's own and not wider than 0640, else that of MX_SDK_HOME, else built-in values.
LogConf ReadLogConf();
/// The file at `path`; built-in values (an empty path among them) where it can't be loaded.
LogConf ReadLogConf(const std::string& path);
}  // namespace MxBase

#endif
