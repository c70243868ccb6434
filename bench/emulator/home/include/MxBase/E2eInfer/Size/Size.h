// Width and height.
#ifndef OMGATE_MXBASE_SIZE_H
#define OMGATE_MXBASE_SIZE_H

#include <cstdint>

namespace MxBase {
struct Size {
    Size() = default;
    Size(const uint32_t columns, const uint32_t rows) : width(columns), height(rows) {}

    uint32_t width = 0;
    uint32_t height = 0;
};
}  // namespace MxBase

#endif
