// As in include/, with what 7.0.RC1 removed; the headers that it includes are found here first.
#ifndef MXBASE_OLD_GENERATION
#define MXBASE_OLD_GENERATION
#endif
#include "../../../include/MxBase/ModelInfer/ModelInferenceProcessor.h"
