// JSON lines for programs that read this one.
#ifndef MCNN_JSON_H
#define MCNN_JSON_H

#include <cstdint>
#include <string>
#include <vector>

namespace mcnn {
/// A JSON string with its quotes. Bytes that are not UTF-8 become \udc80 to \udcff, one each: Python's "surrogateescape", so that
/// os.fsencode() of what json.loads() gives is the file's name again.
std::string JsonText(const std::string& bytes);

/// A number with 17 significant digits, which give the same double back; null for what is not finite.
std::string JsonNumber(double value);

/// An object on one line, members in the order of the calls.
class JsonLine {
public:
    JsonLine& Add(const std::string& key, const std::string& text) { return AddRaw(key, JsonText(text)); }
    JsonLine& Add(const std::string& key, const char* text) { return AddRaw(key, JsonText(text)); }
    JsonLine& Add(const std::string& key, double value) { return AddRaw(key, JsonNumber(value)); }
    JsonLine& Add(const std::string& key, bool value) { return AddRaw(key, value ? "true" : "false"); }
    JsonLine& Add(const std::string& key, size_t value) { return AddRaw(key, std::to_string(value)); }
    JsonLine& Add(const std::string& key, const std::vector<uint32_t>& values);
    JsonLine& AddNull(const std::string& key) { return AddRaw(key, "null"); }

    /// Print it on stdout, at once. Throws std::runtime_error where nobody takes it.
    void Print() const;

private:
    JsonLine& AddRaw(const std::string& key, const std::string& value);

    std::string members_ = "\"omgate\":1";
};
}  // namespace mcnn

#endif
