"""Logs for hypothesis: what a writer puts into them, and lines that are almost records."""

from __future__ import annotations

import dataclasses
from typing import Any

from hypothesis import strategies as st

from tests.bench.perfstats import logs
from tests.bench.perfstats.logs import IDLE, Window

# Digits at the ends of names, escapes, and characters of other scripts are where a reader of bytes can go wrong.
ALPHABET = 'ab_0129 ."\\/é人\x00\n,:{}[]'
NAMES = st.one_of(
    st.sampled_from(["mcnn", "mxpi_tensorinfer0", "mxpi_a2", "mxpi_a10", "detection", "", "0", "人群 1"]),
    st.text(ALPHABET, max_size=12),
)
COUNTS = st.one_of(st.integers(0, 99), st.integers(0, 10**6), st.integers(0, 2**64 - 1))
TIMES = st.one_of(
    st.integers(1, 10**6),
    st.integers(0, 2**32),
    st.integers(0, 2**64),
    st.sampled_from([10**8 - 1, 10**8, 10**12 - 1, 10**12, 10**15, 10**18]),
)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """A window: idle, or with frames."""
    if draw(st.booleans()) and draw(st.booleans()):
        return IDLE
    low, more = draw(TIMES), draw(TIMES)
    return Window(max(1, draw(COUNTS)), draw(TIMES), low, low + more)


STAMPS = st.builds(logs.stamp, st.integers(0, 30_000), st.integers(0, 999_999))


@dataclasses.dataclass
class Expected:
    """What was written, summed up with Python's integers."""

    spans: dict[tuple[str, str, str, str], list[Window]] = dataclasses.field(default_factory=dict)
    rates: dict[str, list[tuple[int, float]]] = dataclasses.field(default_factory=dict)
    queues: dict[tuple[str, str], list[tuple[int, list[int]]]] = dataclasses.field(default_factory=dict)
    lines: dict[str, list[str]] = dataclasses.field(
        default_factory=lambda: {"e2e": [], "plugin": [], "tpr": [], "queue": []}
    )


@st.composite
def written(draw: st.DrawFn) -> Expected:
    """Logs of a process with a few streams and elements."""
    made = Expected()
    streams = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    elements = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    kinds = draw(st.lists(st.sampled_from(logs.ELEMENT_KINDS), min_size=1, max_size=2, unique=True))
    interval = draw(st.integers(1, 60))
    for _ in range(draw(st.integers(1, 25))):
        time = draw(STAMPS)
        for stream in streams:
            window = draw(windows())
            made.spans.setdefault((stream, "", "", "e2e"), []).append(window)
            made.lines["e2e"].append(logs.e2e(stream, window, time))
            frames = draw(st.integers(0, 10**9))
            rate = logs.rate(frames, interval)
            made.rates.setdefault(stream, []).append((frames, rate))
            made.lines["tpr"].append(logs.throughput(stream, frames, rate, time))
            for element in elements:
                for kind in kinds:
                    window = draw(windows())
                    made.spans.setdefault((stream, element, "mxpi_f", kind), []).append(window)
                    made.lines["plugin"].append(logs.plugin(stream, element, "mxpi_f", kind, window, time))
                sizes = draw(st.lists(st.integers(0, 12_000), min_size=1, max_size=8))
                made.queues.setdefault((stream, element), []).append((200, sizes))
                made.lines["queue"].append(logs.queue(stream, element, 200, sizes, time))
    return made


GENUINE = st.one_of(
    st.builds(logs.e2e, NAMES, windows(), STAMPS),
    st.builds(logs.plugin, NAMES, NAMES, NAMES, st.sampled_from(logs.ELEMENT_KINDS), windows(), STAMPS),
    st.builds(logs.throughput, NAMES, COUNTS, st.floats(0, 1e9), STAMPS),
    st.builds(
        logs.queue,
        NAMES,
        NAMES,
        st.integers(0, 500),
        st.lists(st.integers(0, 12_000), min_size=1, max_size=9),
        STAMPS,
    ),
)


@st.composite
def almost(draw: st.DrawFn) -> bytes:
    """A record with some bytes changed, put in, taken out or doubled; often it is still one."""
    line = bytearray(draw(GENUINE).encode())
    for _ in range(draw(st.integers(0, 3))):
        at, stop = sorted(draw(st.tuples(st.integers(0, len(line)), st.integers(0, len(line)))))
        stop = min(stop, at + draw(st.integers(0, 20)))
        action: Any = draw(st.sampled_from(["digit", "put", "cut", "double", "zero"]))
        if action == "digit":
            line[at : at + 1] = b"%d" % draw(st.integers(0, 9))
        elif action == "put":
            line[at:at] = draw(
                st.one_of(
                    st.binary(max_size=4),
                    st.sampled_from([b"0", b'"', b"\\", b"\n", b"\r", b" ", b"-", b"\xff", b"1e3"]),
                )
            )
        elif action == "cut":
            del line[at:stop]
        elif action == "double":
            line[at:at] = line[at:stop]
        elif line and at < len(line):
            line[at] = 0
    return bytes(line)


BYTES = st.lists(st.one_of(almost(), st.binary(max_size=40), GENUINE.map(str.encode)), max_size=60).map(
    b"".join
)
"""Any bytes, most of them near a log."""
