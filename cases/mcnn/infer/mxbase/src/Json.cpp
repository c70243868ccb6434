#include "Json.h"

#include <cmath>
#include <cstdio>
#include <stdexcept>

namespace mcnn {
namespace {
std::string Escape(unsigned unit)
{
    char text[8];
    std::snprintf(text, sizeof(text), "\\u%04x", unit);
    return text;
}

bool Continues(const std::string& bytes, size_t position)
{
    return position < bytes.size() && (static_cast<unsigned char>(bytes[position]) & 0xC0) == 0x80;
}

// Bytes of the character that begins here, 0 where this is no UTF-8 (RFC 3629, section 4: shortest forms, no surrogates).
size_t CharacterAt(const std::string& bytes, size_t position)
{
    const unsigned first = static_cast<unsigned char>(bytes[position]);
    if (first < 0x80) {
        return 1;
    }
    const size_t length = first >= 0xC2 && first <= 0xDF ? 2 : (first & 0xF0) == 0xE0 ? 3 : first >= 0xF0 && first <= 0xF4 ? 4 : 0;
    for (size_t i = 1; i < length; ++i) {
        if (!Continues(bytes, position + i)) {
            return 0;
        }
    }
    if (length < 3) {
        return length;
    }
    const unsigned second = static_cast<unsigned char>(bytes[position + 1]);
    const bool wrong = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) || (first == 0xF0 && second < 0x90) ||
                       (first == 0xF4 && second > 0x8F);
    return wrong ? 0 : length;
}
}  // namespace

std::string JsonText(const std::string& bytes)
{
    std::string text = "\"";
    for (size_t position = 0; position < bytes.size();) {
        const unsigned char byte = static_cast<unsigned char>(bytes[position]);
        const size_t length = CharacterAt(bytes, position);
        if (length == 0) {
            text += Escape(0xDC00U + byte);
        } else if (byte == '"' || byte == '\\') {
            text += std::string("\\") + static_cast<char>(byte);
        } else if (byte < 0x20 || byte == 0x7F) {
            text += Escape(byte);
        } else {
            text += bytes.substr(position, length);
        }
        position += length ? length : 1;
    }
    return text + "\"";
}

std::string JsonNumber(double value)
{
    if (!std::isfinite(value)) {
        return "null";
    }
    char text[40];
    std::snprintf(text, sizeof(text), "%.17g", value);
    return text;
}

JsonLine& JsonLine::Add(const std::string& key, const std::vector<uint32_t>& values)
{
    std::string list;
    for (uint32_t value : values) {
        list += (list.empty() ? "" : ",") + std::to_string(value);
    }
    return AddRaw(key, "[" + list + "]");
}

JsonLine& JsonLine::AddRaw(const std::string& key, const std::string& value)
{
    members_ += "," + JsonText(key) + ":" + value;
    return *this;
}

void JsonLine::Print() const
{
    const std::string line = "{" + members_ + "}\n";
    if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size() || std::fflush(stdout) != 0) {
        throw std::runtime_error("standard output can't be written");
    }
}
}  // namespace mcnn
