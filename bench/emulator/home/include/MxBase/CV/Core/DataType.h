// Results of detection, which other deliverables' headers name.
#ifndef OMGATE_MXBASE_CV_DATA_TYPE_H
#define OMGATE_MXBASE_CV_DATA_TYPE_H

#include <string>

namespace MxBase {
struct DetectBox {
    float prob;
    int classID;
    float x;
    float y;
    float width;
    float height;
    std::string className;
    void* maskPtr;
};
}  // namespace MxBase

#endif
