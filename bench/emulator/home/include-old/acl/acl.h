// As in include/.
#include "../../include/acl/acl.h"
