#include "Picture.h"

#include <algorithm>

#include <opencv2/core/core.hpp>
#include <opencv2/imgcodecs/imgcodecs.hpp>

#include "Clock.h"
#include "Mcnn.h"

namespace mcnn {
namespace {
cv::Mat Decode(const std::string& path)
{
    cv::Mat image;
    try {
        image = cv::imread(path, cv::IMREAD_GRAYSCALE);
    } catch (const cv::Exception& error) {
        throw Failure("unreadable", error.what());
    }
    if (image.empty() || image.type() != CV_8UC1) {
        throw Failure("unreadable", "OpenCV can't decode it");
    }
    return image;
}

// The rule of the deliverable: an odd pixel more lies before the image (683 rows: 171 black ones above, 170 below).
void Place(const cv::Mat& image, std::vector<float>& input)
{
    const int top = EDGE / 2 - image.rows / 2;
    const int left = EDGE / 2 - image.cols / 2;
    input.assign(static_cast<size_t>(EDGE) * EDGE, 0.0F);
    for (int row = 0; row < image.rows; ++row) {
        const unsigned char* from = image.ptr<unsigned char>(row);
        std::copy(from, from + image.cols, input.begin() + static_cast<std::ptrdiff_t>(top + row) * EDGE + left);
    }
}
}  // namespace

void ReadPicture(const std::string& path, Picture& picture)
{
    Clock clock;
    cv::Mat image = Decode(path);
    picture.decodeSeconds = clock.Lap();
    picture.height = image.rows;
    picture.width = image.cols;
    if (image.rows > EDGE || image.cols > EDGE) {
        throw Failure("too-large", std::to_string(image.rows) + " x " + std::to_string(image.cols) + " pixels; at most " +
                                       std::to_string(EDGE) + " x " + std::to_string(EDGE) + " fit into the network's input");
    }
    Place(image, picture.input);
    picture.placeSeconds = clock.Lap();
}
}  // namespace mcnn
