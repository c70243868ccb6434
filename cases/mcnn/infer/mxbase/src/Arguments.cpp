#include "Arguments.h"

#include <vector>

namespace mcnn {
namespace {
const size_t FOLDERS_AND_MODEL = 4;
const size_t MOST_DIGITS = 4;  // of a device's number
const std::string DEVICE = "--device";
const std::string WITHOUT_LABELS = "-";

uint32_t DeviceNumber(const std::string& text)
{
    if (text.empty() || text.size() > MOST_DIGITS || text.find_first_not_of("0123456789") != std::string::npos) {
        throw UsageError("the device must be a number, such as 0; seen '" + text + "'");
    }
    return static_cast<uint32_t>(std::stoul(text));
}

bool StartsWith(const std::string& text, const std::string& start)
{
    return text.compare(0, start.size(), start) == 0;
}
}  // namespace

const char* const USAGE =
    "usage: ./Mcnn MODEL.om IMAGES LABELS OUTPUT [--device N]\n"
    "\n"
    "Counts people on the images of a folder with MCNN, on an Ascend device.\n"
    "  MODEL.om    the converted model, input 1 x 1 x 1024 x 1024 float32\n"
    "  IMAGES      folder with jpg, jpeg, png, bmp or pgm files of at most 1024 x 1024 pixels\n"
    "  LABELS      folder with density maps: IMG_1.csv belongs to IMG_1.jpg; - to run without labels\n"
    "  OUTPUT      folder for the density maps: IMG_1.f32, 256 x 256 float32 little-endian, row by row\n"
    "  --device N  number of the device (default 0)\n"
    "\n"
    "Standard output gets one JSON object an image, and a last one with \"done\"; the log goes where the SDK's goes (standard error).\n"
    "Exit status: 0 all images counted, 1 some failed, 2 used wrongly, 3 could not start (model, device).\n";

Arguments ReadArguments(int count, const char* const* words)
{
    Arguments found;
    std::vector<std::string> plain;
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        if (word == "--help" || word == "-h") {
            found.help = true;
            return found;
        }
        if (word == DEVICE) {
            if (++i == count) {
                throw UsageError(DEVICE + " needs a number");
            }
            found.device = DeviceNumber(words[i]);
        } else if (StartsWith(word, DEVICE + "=")) {
            found.device = DeviceNumber(word.substr(DEVICE.size() + 1));
        } else if (StartsWith(word, "-") && word != WITHOUT_LABELS) {
            throw UsageError("no such option: " + word);
        } else {
            plain.push_back(word);
        }
    }
    if (plain.size() != FOLDERS_AND_MODEL) {
        throw UsageError("MODEL.om, IMAGES, LABELS and OUTPUT are needed; " + std::to_string(plain.size()) + " given");
    }
    for (const std::string& word : plain) {
        if (word.empty()) {
            throw UsageError("an argument is empty");
        }
    }
    found.model = plain[0];
    found.images = plain[1];
    found.labels = plain[2] == WITHOUT_LABELS ? "" : plain[2];
    found.output = plain[3];
    return found;
}
}  // namespace mcnn
