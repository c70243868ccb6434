// What a return code means, as text (Vision SDK, C++ API). These functions are outside the namespace, as in the SDK.
#ifndef OMGATE_MXBASE_ERROR_CODE_H
#define OMGATE_MXBASE_ERROR_CODE_H

#include <string>

#include "MxBase/ErrorCode/ErrorCodes.h"

/// The words alone: `Invalid parameter`.
std::string GetAppErrCodeInfo(APP_ERROR err);

/// ` (Code = 1001, Message = "...") `; a raw ACL code (>= 100000) has `Calling Function = <name>, ` in front where a name is given;
/// values below -1 are shown as 0x... .
std::string GetErrorInfo(const APP_ERROR err, std::string callingFuncName = "");

#ifdef MXBASE_OLD_GENERATION
/// SDK 2.0 to 6.x; 7.0.RC1 removed it. `[1001][words] `, the module's name in brackets first where one is given (form unconfirmed).
std::string GetError(const APP_ERROR err, std::string moduleName = "");
#endif

#endif
