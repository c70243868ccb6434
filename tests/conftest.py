"""How hypothesis runs here (no time limit an example, the same examples each time in CI), one protobuf for all, and processes of its own."""

import os

from hypothesis import settings

# MindSpore's messages need protobuf's Python implementation, and it chooses that when it is imported: too late in a test process that
# has imported onnx before. Without this it ends the interpreter.
os.environ.setdefault("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "python")

# A `pytest bench/` that a test starts is no part of the parallel run that the test is in.
os.environ.pop("PYTEST_XDIST_WORKER", None)

settings.register_profile("omgate", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("omgate")
