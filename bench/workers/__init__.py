"""The device half of a backend: one self-contained file a runtime."""
