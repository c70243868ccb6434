// Counts people on a folder of images with MCNN on an Ascend device; USAGE in Arguments.cpp says how.
#include <exception>
#include <iostream>

#include "Arguments.h"
#include "Evaluation.h"
#include "Mcnn.h"
#include "MxBase/Log/Log.h"

namespace {
// Small numbers of our own: an SDK code is above 1000, and a shell sees it modulo 256, where 1024 would become a success.
enum Status {
    ALL_COUNTED = 0,
    SOME_FAILED = 1,
    USED_WRONGLY = 2,
    NOT_STARTED = 3
};

Status Run(const mcnn::Arguments& arguments)
{
    mcnn::Evaluation evaluation(arguments);
    mcnn::Mcnn model(arguments.model, arguments.device);
    return evaluation.Run(model).failed == 0 ? ALL_COUNTED : SOME_FAILED;
}
}  // namespace

int main(int argc, char* argv[])
{
    try {
        const mcnn::Arguments arguments = mcnn::ReadArguments(argc, argv);
        if (arguments.help) {
            std::cout << mcnn::USAGE;
            return ALL_COUNTED;
        }
        return Run(arguments);
    } catch (const mcnn::UsageError& error) {
        std::cerr << "Mcnn: " << error.what() << "\nMcnn: ./Mcnn --help says more" << std::endl;
        return USED_WRONGLY;
    } catch (const mcnn::StartError& error) {
        LogError << error.what();
        return NOT_STARTED;
    } catch (const std::exception& error) {
        LogError << "ended early: " << error.what();
        return SOME_FAILED;
    }
}
