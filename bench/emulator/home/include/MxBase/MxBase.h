// All of the second C++ interface that the emulator has: no image processing, no video.
#ifndef OMGATE_MXBASE_H
#define OMGATE_MXBASE_H

#include "MxBase/DeviceManager/DeviceManager.h"
#include "MxBase/E2eInfer/DataType.h"
#include "MxBase/E2eInfer/GlobalInit/GlobalInit.h"
#include "MxBase/E2eInfer/Model/Model.h"
#include "MxBase/E2eInfer/Size/Size.h"
#include "MxBase/E2eInfer/Tensor/Tensor.h"

#endif
