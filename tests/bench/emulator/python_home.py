"""Makes the Python modules of the emulated home importable here; they are no part of the harness's own packages."""

from __future__ import annotations

import sys
from pathlib import Path

PYTHON = Path(__file__).parents[3] / "bench" / "emulator" / "home" / "python"

if str(PYTHON) not in sys.path:
    sys.path.append(str(PYTHON))
