// Marks of the SDK's interface classes; the emulator needs no more of them than that they exist.
#ifndef OMGATE_MXBASE_HIDDEN_ATTR_H
#define OMGATE_MXBASE_HIDDEN_ATTR_H

#define SDK_AVAILABLE_FOR_OUT __attribute__((visibility("default")))
#define SDK_AVAILABLE_FOR_IN __attribute__((visibility("default")))
#define SDK_UNAVAILABLE_FOR_OTHER __attribute__((visibility("hidden")))
// The real macro warns at compile time ("deprecated"); a build that treats warnings as errors is not to fail here.
#define SDK_DEPRECATED_FOR(...)

#endif
