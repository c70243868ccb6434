// Names of a tensor's dimensions, which programs use as indices into GetShape().
#ifndef OMGATE_MXBASE_POST_PROCESS_DATA_TYPE_H
#define OMGATE_MXBASE_POST_PROCESS_DATA_TYPE_H

#include <cstdint>

namespace MxBase {
const uint32_t VECTOR_FIRST_INDEX = 0;
const uint32_t VECTOR_SECOND_INDEX = 1;
const uint32_t VECTOR_THIRD_INDEX = 2;
const uint32_t VECTOR_FOURTH_INDEX = 3;
const uint32_t VECTOR_FIFTH_INDEX = 4;
}  // namespace MxBase

#endif
