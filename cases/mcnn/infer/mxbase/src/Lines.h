// What the program prints: the log lines that the field's tools read, and one JSON line an image with full precision.
#ifndef MCNN_LINES_H
#define MCNN_LINES_H

#include <string>
#include <vector>

#include "Mcnn.h"
#include "Result.h"

namespace mcnn {
/// Shapes of the model, then the name of every image.
void LogBeginning(const Mcnn& model, const std::vector<std::string>& images);

/// Index and name, before anything of this image is read: the log's last name is the image that a crash belongs to.
void LogImage(size_t index, const std::string& image);
void LogSize(int height, int width);
void LogTensors(const Mcnn& model, size_t inputValues);
void LogResult(const Result& result);
void LogEnd(const Totals& totals, double seconds);

void PrintResult(const Result& result, const Mcnn& model);
void PrintEnd(const Totals& totals);
}  // namespace mcnn

#endif
