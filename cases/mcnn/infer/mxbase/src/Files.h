// Folders and files, without std::filesystem: the compilers of old SDK images lack it.
#ifndef MCNN_FILES_H
#define MCNN_FILES_H

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace mcnn {
/// A folder or file that can't be used; the message names it.
struct FileError : std::runtime_error {
    explicit FileError(const std::string& text) : std::runtime_error(text) {}
};

/// `folder/name`, whether or not the folder ends in a slash.
std::string Join(const std::string& folder, const std::string& name);

/// A file's name without its last ending: `IMG_1`.
std::string Stem(const std::string& name);

bool IsFolder(const std::string& path);

/// Names of the image files in a folder (jpg, jpeg, png, bmp, pgm in any case; no hidden ones), in the order of their bytes.
/// Throws FileError, also where two of them would share a label.
std::vector<std::string> ImagesIn(const std::string& folder);

/// Make a folder and those above it where they are missing. Throws FileError, also where no file can be made in it.
void MakeFolder(const std::string& path);

/// Write a file whole or not at all (by a temporary name beside it). Throws FileError.
void WriteFile(const std::string& path, const void* data, size_t bytes);
}  // namespace mcnn

#endif
