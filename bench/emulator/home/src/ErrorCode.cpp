// Texts of return codes. The words are this project's own; the frame around them is the SDK's.
#include "MxBase/ErrorCode/ErrorCode.h"

#include <cstdio>
#include <map>

namespace {
const std::map<APP_ERROR, const char*>& Words()
{
    static const std::map<APP_ERROR, const char*> words = {
        {APP_ERR_ACL_FAILURE, "general failure of ACL"},
        {APP_ERR_OK, "success"},
        {APP_ERR_ACL_INVALID_PARAM, "invalid parameter (ACL)"},
        {APP_ERR_ACL_BAD_ALLOC, "bad allocation (ACL)"},
        {APP_ERR_ACL_RT_FAILURE, "runtime failure (ACL)"},
        {APP_ERR_ACL_GE_FAILURE, "graph engine failure (ACL)"},
        {APP_ERR_ACL_READ_MODEL_FAILURE, "model can't be read (ACL)"},
        {APP_ERR_ACL_PARSE_MODEL, "model can't be parsed (ACL)"},
        {APP_ERR_ACL_DESERIALIZE_MODEL, "model can't be deserialised (ACL)"},
        {APP_ERR_ACL_UNSUPPORTED_DATA_TYPE, "data type not supported (ACL)"},
        {APP_ERR_ACL_REPEAT_INITIALIZE, "initialised twice (ACL)"},
        {APP_ERR_ACL_IO, "input or output failure (ACL)"},
        {APP_ERR_ACL_INVALID_FILE, "invalid file (ACL)"},
        {APP_ERR_ACL_OP_INPUT_NOT_MATCH, "operator's input does not match (ACL)"},
        {APP_ERR_ACL_BAD_COPY, "copy failed (ACL)"},
        {APP_ERR_ACL_BAD_FREE, "free failed (ACL)"},
        {APP_ERR_COMM_FAILURE, "General Failed"},
        {APP_ERR_COMM_INNER, "inner failure"},
        {APP_ERR_COMM_INVALID_POINTER, "invalid pointer"},
        {APP_ERR_COMM_INVALID_PARAM, "Invalid parameter"},
        {APP_ERR_COMM_UNREALIZED, "not realised"},
        {APP_ERR_COMM_OUT_OF_MEM, "out of memory"},
        {APP_ERR_COMM_ALLOC_MEM, "memory can't be allocated"},
        {APP_ERR_COMM_FREE_MEM, "memory can't be freed"},
        {APP_ERR_COMM_OUT_OF_RANGE, "out of range"},
        {APP_ERR_COMM_NO_PERMISSION, "no permission"},
        {APP_ERR_COMM_TIMEOUT, "timeout"},
        {APP_ERR_COMM_NOT_INIT, "not initialised"},
        {APP_ERR_COMM_INIT_FAIL, "initialisation failed"},
        {APP_ERR_COMM_EXIST, "exists already"},
        {APP_ERR_COMM_NO_EXIST, "does not exist"},
        {APP_ERR_COMM_BUSY, "busy"},
        {APP_ERR_COMM_OPEN_FAIL, "can't be opened"},
        {APP_ERR_COMM_READ_FAIL, "can't be read"},
        {APP_ERR_COMM_WRITE_FAIL, "can't be written"},
        {APP_ERR_COMM_SDK_HOME_NOSET, "MX_SDK_HOME is not set"},
        {APP_ERR_COMM_INVALID_PATH, "invalid path"},
        {APP_ERR_COMM_REPEAT_INITIALIZE, "initialised twice"},
        {APP_ERR_INFER_SET_INPUT_FAIL, "inference: input can't be set"},
        {APP_ERR_INFER_SET_OUTPUT_FAIL, "inference: output can't be set"},
        {APP_ERR_INFER_CREATE_OUTPUT_FAIL, "inference: output can't be made"},
        {APP_ERR_INFER_GET_OUTPUT_FAIL, "inference: output can't be had"},
        {APP_ERR_DEVICE_MANAGER_QUERY_DEVICE_ERROR, "device can't be found"},
        {APP_ERR_DEVICE_MANAGER_DESTROY_DEVICE_CHECK_ERROR, "devices were not initialised, or are released already"},
        {APP_ERR_SIZE_NOT_MATCH, "sizes don't match"},
        {APP_ERR_INVALID_PARAM, "invalid parameter (ACL)"},
        {APP_ERR_INVALID_FILE, "invalid file (ACL)"},
        {APP_ERR_INPUT_NOT_MATCH, "model's input does not match (ACL)"},
        {APP_ERR_BAD_ALLOC, "bad allocation (ACL)"},
        {APP_ERR_INVALID_DEVICE, "invalid device (ACL)"},
        {APP_ERR_STORAGE_OVER_LIMIT, "storage over its limit (ACL)"},
        {APP_ERR_INTERNAL_ERROR, "internal error (ACL)"},
        {APP_ERR_FAILURE, "internal failure (ACL)"},
        {APP_ERR_GE_FAILURE, "internal failure of the graph engine (ACL)"},
        {APP_ERR_RT_FAILURE, "internal failure of the runtime (ACL)"},
        {APP_ERR_DRV_FAILURE, "internal failure of the driver (ACL)"},
    };
    return words;
}

std::string Number(APP_ERROR err)
{
    if (err >= APP_ERR_ACL_FAILURE) {
        return std::to_string(err);
    }
    char text[16];
    std::snprintf(text, sizeof(text), "0x%X", static_cast<unsigned int>(err));
    return text;
}
}  // namespace

std::string GetAppErrCodeInfo(APP_ERROR err)
{
    auto found = Words().find(err);
    return found == Words().end() ? "unknown code" : found->second;
}

std::string GetErrorInfo(const APP_ERROR err, std::string callingFuncName)
{
    std::string caller;
    if (err >= APP_ERR_EXTRA_BASE && !callingFuncName.empty()) {
        caller = "Calling Function = " + callingFuncName + ", ";
    }
    return " (" + caller + "Code = " + Number(err) + ", Message = \"" + GetAppErrCodeInfo(err) + "\") ";
}

std::string GetError(const APP_ERROR err, std::string moduleName)
{
    std::string module = moduleName.empty() ? "" : "[" + moduleName + "]";
    return module + "[" + Number(err) + "][" + GetAppErrCodeInfo(err) + "] ";
}
