"""Package of the emulated SDK's newer Python interface; the SDK itself is `mindx.sdk`."""
