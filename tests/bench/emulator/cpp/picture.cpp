// A program that reads pictures, in the style of SDK 2.0 to 6.x: picture MODEL PICTURE.
// Prints the picture's size, and the sum of the model's output for the first three grey values of its first row.
#include <iostream>
#include <memory>
#include <opencv2/opencv.hpp>
#include <string>
#include <vector>

#include "MxBase/DeviceManager/DeviceManager.h"
#include "MxBase/Log/Log.h"
#include "MxBase/ModelInfer/ModelInferenceProcessor.h"
#include "MxBase/Tensor/TensorContext/TensorContext.h"
#include "acl/acl.h"

int main(int argc, char* argv[])
{
    if (argc != 3) {
        return 2;
    }
    MxBase::ModelInferenceProcessor model;
    MxBase::ModelDesc desc;
    APP_ERROR ret = MxBase::DeviceManager::GetInstance()->InitDevices();
    ret = ret != ACL_SUCCESS ? ret : MxBase::TensorContext::GetInstance()->SetContext(0);
    ret = ret != ACL_SUCCESS ? ret : model.Init(argv[1], desc);
    if (ret != APP_ERR_OK) {
        LogError << GetError(ret);
        return 1;
    }
    cv::Mat picture = cv::imread(argv[2], cv::IMREAD_GRAYSCALE);
    std::cout << "size=" << picture.cols << " " << picture.rows << std::endl;
    float values[3] = {};
    for (int column = 0; column < 3; ++column) {
        values[column] = picture.at<uchar>(0, column);
    }
    MxBase::MemoryData host(values, sizeof(values), MxBase::MemoryData::MEMORY_HOST_MALLOC);
    std::vector<MxBase::TensorBase> inputs(1, MxBase::TensorBase(host, true, {1, 3}, MxBase::TENSOR_DTYPE_FLOAT32));
    std::vector<MxBase::TensorBase> outputs(1, MxBase::TensorBase({1, 3}, MxBase::TENSOR_DTYPE_FLOAT32, MxBase::MemoryData::MEMORY_DEVICE, 0));
    MxBase::TensorBase::TensorBaseMalloc(outputs[0]);
    MxBase::DynamicInfo info = {};
    info.dynamicType = MxBase::DynamicType::STATIC_BATCH;
    ret = model.ModelInference(inputs, outputs, info);
    ret = ret != APP_ERR_OK ? ret : outputs[0].ToHost();
    if (ret != APP_ERR_OK) {
        return 1;
    }
    const float* found = static_cast<const float*>(outputs[0].GetBuffer());
    std::cout << "sum=" << found[0] + found[1] + found[2] << std::endl;
    return 0;
}
