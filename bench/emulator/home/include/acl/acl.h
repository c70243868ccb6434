// CANN's header, which published programs for mxBase include beside the SDK's without a call into it. What they need for that is
// here, and no more: the emulator has no ACL, so a program that calls it does not compile.
#ifndef OMGATE_ACL_H
#define OMGATE_ACL_H

#include <stddef.h>
#include <stdint.h>

typedef int aclError;
typedef uint16_t aclFloat16;

static const aclError ACL_ERROR_NONE = 0;
static const aclError ACL_SUCCESS = 0;

#endif
