"""An SDK home that runs on a CPU. Whatever is measured on it is emulated, never a device's figure."""
