// Found before the standard library's file of this name, which every standard header includes first, and which comes right after.
//
// Programs for SDK 2.0 to 6.x are built with -D_GLIBCXX_USE_CXX11_ABI=0, because those SDKs and the OpenCV in them were compiled
// with the std::string from before GCC 5. The emulated library and this system's OpenCV have today's: the choice is taken back here,
// so that such a build links as it is.
#ifndef OMGATE_STRINGS_OF_TODAY
#define OMGATE_STRINGS_OF_TODAY
#undef _GLIBCXX_USE_CXX11_ABI
#endif
#include_next <bits/c++config.h>
