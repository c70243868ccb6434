"""Any bytes for the statistics reader: data or a named reason, and the fast reader says what the exact one says. Not run by pytest.

    NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=/tmp/checked python tests/fuzz_perfstats.py [INPUTS [SEED]]        (default 1,000,000 inputs)

With these the compiled loop, in a cache of its own, checks each place that it looks at or writes to, and an error ends the run.

An input is a piece of log of a few lines: genuine ones, some of them with bytes changed, cut, doubled, swapped or torn, with pieces of
other records in them, or plain noise. TOGETHER inputs make a stream of bytes, which is read in blocks of some size; what the fast reader
has learned stays from stream to stream, as within a long log. It ends at the first failure, and prints the seed and the line, from
which a test is made.
"""

from __future__ import annotations

import io
import itertools
import math
import random
import sys
import time
from pathlib import Path
from typing import Any

HOUSE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HOUSE))

from bench.perfstats import blocks  # noqa: E402
from bench.perfstats.find import Owner  # noqa: E402
from bench.perfstats.footnotes import Footnotes  # noqa: E402
from bench.perfstats.layouts import LAYOUTS  # noqa: E402
from bench.perfstats.names import KINDS  # noqa: E402
from bench.perfstats.result import OfProcess, process_of  # noqa: E402
from bench.perfstats.scan import Known  # noqa: E402
from tests.bench.perfstats import logs  # noqa: E402
from tests.bench.perfstats.logs import IDLE, Window  # noqa: E402

NAMES = (
    "mcnn",
    "mxpi_tensorinfer0",
    "mxpi_a2",
    "mxpi_a10",
    "",
    "0",
    "人群 1",
    'a"b',
    "x\\y",
    "0123456789" * 3,
)
NUMBERS = (0, 1, 9, 10, 41, 99_999_999, 10**8, 10**12 - 1, 10**12, 2**63, 2**64 - 1)
PUT = (
    b"0",
    b'"',
    b"\\",
    b"\n",
    b"\r",
    b" ",
    b"-",
    b"\xff",
    b"\x00",
    b"1e3",
    b"}{",
    b"[",
    b"]",
    b",",
    b"null",
    b"\xe4\xba",
    b"\\ud800",
)
TORN_UP_TO = 3
TOGETHER = 40
RELEARN = 20
"""Streams after which the fast reader begins anew: a full table of templates would hide its learning."""


def line(dice: random.Random, kind: str) -> bytes:
    """A genuine record of a kind of file."""
    number = lambda: dice.choice(NUMBERS) if dice.random() < 0.2 else dice.randrange(10 ** dice.randint(1, 9))  # noqa: E731
    name = lambda: dice.choice(NAMES)  # noqa: E731
    time_text = logs.stamp(dice.randrange(30_000), dice.randrange(10 ** dice.randint(1, 6)))
    window = IDLE if dice.random() < 0.2 else Window(number(), number(), number(), number())
    if kind == "e2e":
        return logs.e2e(name(), window, time_text).encode()
    if kind == "plugin":
        return logs.plugin(
            name(), name(), name(), dice.choice(logs.ELEMENT_KINDS), window, time_text
        ).encode()
    if kind == "tpr":
        frames = dice.randrange(10 ** dice.randint(1, 9))
        return logs.throughput(name(), frames, logs.rate(frames, dice.randint(1, 60)), time_text).encode()
    sizes = [dice.randrange(10 ** dice.randint(1, 5)) for _ in range(dice.randint(1, 12))]
    return logs.queue(name(), name(), number(), sizes, time_text).encode()


def spoilt(dice: random.Random, content: bytes) -> bytes:
    """The same with something wrong; sometimes it is still a record."""
    made = bytearray(content)
    for _ in range(dice.randint(1, TORN_UP_TO)):
        at = dice.randrange(len(made) + 1)
        stop = min(len(made), at + dice.randrange(40))
        action = dice.randrange(7)
        if action == 0:
            made[at : at + 1] = bytes([dice.randrange(256)])
        elif action == 1:
            made[at : at + 1] = b"%d" % dice.randrange(10)
        elif action == 2:
            made[at:at] = dice.choice(PUT)
        elif action == 3:
            del made[at:stop]
        elif action == 4:
            made[at:at] = made[at:stop]
        elif action == 5:
            del made[at:]
        else:
            made[at:at] = line(dice, dice.choice(KINDS))[: dice.randrange(200)]
    return bytes(made)


def one_input(dice: random.Random, kind: str) -> bytes:
    """A log of up to eight lines."""
    lines = []
    for _ in range(dice.randint(1, 8)):
        chance = dice.random()
        if chance < 0.05:
            lines.append(dice.randbytes(dice.randrange(60)))
        else:
            genuine = line(dice, kind if chance < 0.95 else dice.choice(KINDS))
            lines.append(genuine if dice.random() < 0.5 else spoilt(dice, genuine))
    return b"".join(lines)


def records(content: bytes, known: Known | None, block_bytes: int) -> tuple[list[Any], Any]:
    """All records by key and all refused lines of a content, comparable; and the result that they give."""
    sums = OfProcess(Owner("", None, None), {}, 0, 0)
    rows: dict[Any, list[Any]] = {}
    refused, before = [], 0
    for block in blocks.blocks(io.BytesIO(content), len(content), block_bytes):
        made = blocks.columns(block, known)
        for chunk in made.chunks:
            sums.add(chunk)
            for key, part in chunk.parts():
                assert part.stamp is not None
                names = sorted(part.columns)
                values = zip(
                    *(part.columns[name].tolist() for name in names), part.stamp.tolist(), strict=True
                )
                rows.setdefault((chunk.family, key), []).extend(values)
        refused += [(before + number, code, detail) for number, code, detail in made.refused]
        before += made.lines
    return [sorted(rows.items()), refused], process_of(sums, Footnotes())


def check(content: bytes, known: Known, block_bytes: int) -> None:
    """Raises AssertionError where the two readers differ, or where there is neither data nor a reason; any other exception is a failure, too."""
    fast, exact = records(content, known, block_bytes), records(content, None, 1 << 20)
    for mine, other in zip(fast[0], exact[0], strict=True):
        assert mine == other, [pair for pair in itertools.zip_longest(mine, other) if pair[0] != pair[1]][:1]
    assert repr(fast[1]) == repr(exact[1])
    rows, refused = exact[0]
    assert rows or refused or not content.strip()


def main(inputs: int = 1_000_000, seed: int = 1) -> int:
    """Try so many inputs; the exit status is 1 if one failed."""
    blocks.KEPT_REFUSED = 10**9  # type: ignore[misc]  # every refusal is compared
    dice, started = random.Random(seed), time.monotonic()
    known = {kind: Known(LAYOUTS[kind]) for kind in KINDS}
    for number in range(math.ceil(inputs / TOGETHER)):
        kind, block_bytes = dice.choice(KINDS), dice.choice((3_000, 20_000, 1 << 20))
        content = b"".join(one_input(dice, kind) for _ in range(TOGETHER))
        try:
            check(content, known[kind], block_bytes)
        except Exception as error:
            print(
                f"seed {seed}, stream {number}, a {kind} log in blocks of {block_bytes}: {type(error).__name__}: {error}"
            )
            print(content)
            return 1
        if number % RELEARN == 0:
            known = {kind: Known(LAYOUTS[kind]) for kind in KINDS}
        done = (number + 1) * TOGETHER
        if number % 2500 == 2499:
            print(
                f"{done} inputs, {done / (time.monotonic() - started):.0f} a second, no failure", flush=True
            )
    print(f"{done} inputs (seed {seed}): no failure")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
