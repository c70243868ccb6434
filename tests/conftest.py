"""How hypothesis runs here (no time limit an example, the same examples each time in CI), and one protobuf for all."""

import os

from hypothesis import settings

# MindSpore's messages need protobuf's Python implementation, and it chooses that when it is imported: too late in a test process that
# has imported onnx before. Without this it ends the interpreter.
os.environ.setdefault("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "python")

settings.register_profile("omgate", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("omgate")
