"""Logs as the SDK writes them, by a writer of our own: text templates, nothing of the reader's or of the emulator's code."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

ELEMENT_KINDS = ("plugin", "modelInference", "postProcessor", "videoDecode")
DAY = "2024-05-06"


class Window(NamedTuple):
    """What one statistic saw in one window."""

    count: int
    total: int
    low: int
    high: int


IDLE = Window(0, 0, 0, 0)


def stamp(second: int = 0, micro: int = 927) -> str:
    """A time on DAY, `second` seconds after 14:03:27; microseconds are not padded."""
    at = 14 * 3600 + 3 * 60 + 27 + second
    return f"{DAY} {at // 3600:02}:{at // 60 % 60:02}:{at % 60:02}.{micro}"


def quoted(text: str) -> str:
    """A name in a JSON string as nlohmann::json writes it: UTF-8, with as few escapes as JSON allows."""
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f"}
    return '"' + "".join(escapes.get(c, f"\\u{ord(c):04x}" if ord(c) < 32 else c) for c in text) + '"'


def e2e(stream: str, window: Window, time: str) -> str:
    count, total, low, high = window
    average = total // count if count else 0
    return (
        f'{{"average":"{average}","frequency":"{count}","maxTime":"{high}","minTime":"{low}","streamName":{quoted(stream)},'
        f'"totalTime":"{total}","type":"e2e","updateTime":"{time}"}}\n'
    )


def plugin(stream: str, element: str, factory: str, kind: str, window: Window, time: str) -> str:
    count, total, low, high = window
    average = total // count if count else 0
    return (
        f'{{"average":"{average}","elementName":{quoted(element)},"factory":{quoted(factory)},"frequency":"{count}",'
        f'"maxTime":"{high}","minTime":"{low}","streamName":{quoted(stream)},"totalTime":"{total}","type":"{kind}",'
        f'"updateTime":"{time}"}}\n'
    )


def rate(frames: int, interval: int) -> float:
    """frames / interval rounded to float32, as the SDK does."""
    return float(struct.unpack("<f", struct.pack("<f", frames / interval))[0])


def throughput(stream: str, frames: int, logged: float, time: str) -> str:
    return (
        f'{{"streamName":{quoted(stream)},"throughput":{frames},"throughputRate":{logged!r},"type":"throughputRate",'
        f'"updateTime":"{time}"}}\n'
    )


def queue(stream: str, element: str, capacity: int, sizes: Sequence[int], time: str) -> str:
    recent = ",".join(map(str, sizes))
    return (
        f'{{"curSize":{sizes[-1]},"elementName":{quoted(element)},"intervalTime":{50000 * len(sizes)},"maxSize":{max(sizes)},'
        f'"maxSizeBuffers":{capacity},"recentSize":[{recent}],"streamName":{quoted(stream)},"type":"queueSize",'
        f'"updateTime":"{time}"}}\n'
    )


def name_c(
    kind: str,
    process: str = "python3.9",
    pid: int = 20817,
    second: int = 0,
    name: str = "performance-statistics.log",
) -> str:
    """A file name of the current generation."""
    return f"{name}.{kind}.{process}.{pid}.{stamp(second).rpartition('.')[0]}"


def write(folder: Path, name: str, lines: Iterable[str | bytes]) -> Path:
    """A log of these lines."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(b"".join(line.encode() if isinstance(line, str) else line for line in lines))
    return path


def run(
    folder: Path, windows: Sequence[int], stream: str = "mcnn", pid: int = 20817, interval: int = 6
) -> None:
    """A whole run: a frame takes 100 ms end to end, 80 ms in the model; `windows` is the number of frames of each."""
    made: dict[str, list[str]] = {"e2e": [], "plugin": [], "tpr": [], "queue": []}
    for number, frames in enumerate(windows):
        time = stamp(number * interval, 900 + number)
        whole = (
            Window(frames, 100_000 * frames + number, 99_000 - number, 101_000 + number) if frames else IDLE
        )
        inner = Window(frames, 80_000 * frames, 79_000, 81_000) if frames else IDLE
        made["e2e"].append(e2e(stream, whole, time))
        for kind in ("plugin", "modelInference"):
            made["plugin"].append(plugin(stream, "mxpi_tensorinfer0", "mxpi_tensorinfer", kind, inner, time))
        made["tpr"].append(throughput(stream, frames, rate(frames, interval), time))
        made["queue"].append(queue(stream, "queue0", 200, [0, 2, 0, 1 + number], time))
    for kind, lines in made.items():
        write(folder, name_c(kind, pid=pid), lines)
