"""How hypothesis runs here: no time limit an example (machines differ), and the same examples each time in CI."""

import os

from hypothesis import settings

settings.register_profile("omgate", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("omgate")
