#include "Label.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace mcnn {
namespace {
const size_t SHOWN = 20;  // characters of a wrong cell in a message

// One cell's number. strtod alone would take "nan", "inf", hexadecimal digits and leading blanks, too.
double Number(const std::string& cell)
{
    char* end = nullptr;
    double value = std::strtod(cell.c_str(), &end);
    if (cell.empty() || *end != '\0' || std::strspn(cell.c_str(), "0123456789+-.eE") != cell.size() ||
        !std::isfinite(value) || value < 0) {
        throw std::invalid_argument("'" + cell.substr(0, SHOWN) + "' is no count (a finite number >= 0)");
    }
    return value;
}

std::string Trimmed(const std::string& text)
{
    const char* blanks = " \t\r";
    size_t begin = text.find_first_not_of(blanks);
    return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

// Sum of a row; `columns` counts its cells.
double SumOfRow(const std::string& line, size_t& columns)
{
    double sum = 0;
    columns = 0;
    for (size_t begin = 0; begin <= line.size(); ++columns) {
        size_t end = line.find(',', begin);
        end = end == std::string::npos ? line.size() : end;
        // Nearly all cells of a density map are a plain 0.
        if (end - begin != 1 || line[begin] != '0') {
            sum += Number(Trimmed(line.substr(begin, end - begin)));
        }
        begin = end + 1;
    }
    return sum;
}

double SumOfRows(std::istream& file)
{
    double sum = 0;
    size_t width = 0;
    size_t blank = 0;  // the first blank line, which only others may follow
    std::string line;
    for (size_t number = 1; std::getline(file, line); ++number) {
        size_t columns = 0;
        try {
            if (number == 1 && line.compare(0, 3, "\xEF\xBB\xBF") == 0) {
                line.erase(0, 3);
            }
            if (Trimmed(line).empty()) {
                blank = blank ? blank : number;
                continue;
            }
            if (blank) {
                throw std::invalid_argument("a row after a blank line");
            }
            sum += SumOfRow(line, columns);
            if (width && columns != width) {
                throw std::invalid_argument(std::to_string(columns) + " values in this row, " + std::to_string(width) + " in the first");
            }
        } catch (const std::invalid_argument& error) {
            throw std::invalid_argument("line " + std::to_string(number) + ": " + error.what());
        }
        width = columns;
    }
    if (width == 0) {
        throw std::invalid_argument("it holds no row");
    }
    return sum;
}
}  // namespace

Label ReadLabel(const std::string& path)
{
    Label label;
    label.path = path;
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        label.failure = path + " can't be read: " + std::strerror(errno);
        return label;
    }
    try {
        label.count = SumOfRows(file);
    } catch (const std::exception& error) {
        label.failure = path + ": " + error.what();
    }
    if (label.failure.empty() && file.bad()) {
        label.failure = path + " can't be read to its end";
    }
    return label;
}
}  // namespace mcnn
