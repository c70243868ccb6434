"""Performance-statistics logs of SDK pipelines: read, summed up, shown; and how one run gets them written.

from bench.perfstats import read, to_frames
stats = read(["logs/"], drop_first=1, drop_last=1)
frames = to_frames(stats)          # pandas
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.perfstats.frames import to_frames, windows
    from bench.perfstats.reader import read

__all__ = ["read", "to_frames", "windows"]


def __getattr__(name: str) -> Any:
    """Load what is asked for, so that the command line stays light."""
    if name == "read":
        from bench.perfstats.reader import read

        return read
    if name in ("to_frames", "windows"):
        from bench.perfstats import frames

        return getattr(frames, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
