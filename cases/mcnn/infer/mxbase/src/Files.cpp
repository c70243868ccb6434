#include "Files.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mcnn {
namespace {
const mode_t FOLDER_MODE = 0777;  // less the umask

std::string Why()
{
    return std::strerror(errno);
}

bool IsFile(const std::string& path)
{
    struct stat status;
    return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

bool IsImage(const std::string& name)
{
    size_t dot = name.rfind('.');
    if (dot == std::string::npos || name[0] == '.') {
        return false;
    }
    std::string ending = name.substr(dot + 1);
    std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char letter) { return std::tolower(letter); });
    const std::vector<std::string> endings = {"jpg", "jpeg", "png", "bmp", "pgm"};
    return std::find(endings.begin(), endings.end(), ending) != endings.end();
}

std::vector<std::string> EntriesOf(const std::string& folder)
{
    DIR* open = opendir(folder.c_str());
    if (open == nullptr) {
        throw FileError("the folder " + folder + " can't be read: " + Why());
    }
    std::vector<std::string> names;
    while (const dirent* entry = readdir(open)) {
        names.push_back(entry->d_name);
    }
    closedir(open);
    std::sort(names.begin(), names.end());
    return names;
}

void RefuseSharedLabels(const std::vector<std::string>& names)
{
    std::map<std::string, std::string> byStem;
    for (const std::string& name : names) {
        const auto placed = byStem.emplace(Stem(name), name);
        if (!placed.second) {
            throw FileError(placed.first->second + " and " + name + " would share one label and one map; keep or rename one");
        }
    }
}
}  // namespace

std::string Join(const std::string& folder, const std::string& name)
{
    return folder.empty() || folder.back() == '/' ? folder + name : folder + "/" + name;
}

std::string Stem(const std::string& name)
{
    return name.substr(0, name.rfind('.'));
}

bool IsFolder(const std::string& path)
{
    struct stat status;
    return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::vector<std::string> ImagesIn(const std::string& folder)
{
    std::vector<std::string> names;
    for (const std::string& name : EntriesOf(folder)) {
        if (IsImage(name) && IsFile(Join(folder, name))) {
            names.push_back(name);
        }
    }
    RefuseSharedLabels(names);
    return names;
}

void MakeFolder(const std::string& path)
{
    for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
        mkdir(path.substr(0, slash).c_str(), FOLDER_MODE);  // what goes wrong here shows below
    }
    if (mkdir(path.c_str(), FOLDER_MODE) != 0 && errno != EEXIST) {
        throw FileError("the folder " + path + " can't be made: " + Why());
    }
    if (!IsFolder(path)) {
        throw FileError(path + " is no folder");
    }
    if (access(path.c_str(), W_OK | X_OK) != 0) {
        throw FileError("no file can be made in " + path + ": " + Why());
    }
}

void WriteFile(const std::string& path, const void* data, size_t bytes)
{
    size_t slash = path.rfind('/');
    size_t begin = slash == std::string::npos ? 0 : slash + 1;
    const std::string temporary = path.substr(0, begin) + "." + path.substr(begin) + ".part";
    std::FILE* file = std::fopen(temporary.c_str(), "wb");
    bool written = file != nullptr && std::fwrite(data, 1, bytes, file) == bytes;
    std::string why = written ? "" : Why();
    if (file != nullptr && std::fclose(file) != 0 && written) {
        written = false;
        why = Why();
    }
    if (written && std::rename(temporary.c_str(), path.c_str()) != 0) {
        written = false;
        why = Why();
    }
    if (!written) {
        unlink(temporary.c_str());
        throw FileError(path + " can't be written: " + why);
    }
}
}  // namespace mcnn
