"""The deliverable's C++ program, run on staged files: the device half of the om-mxbase backend's `native` driver.

config: `program`, `model` (paths), `home` (the SDK's folder), `version`, `soc`, `device` (number), `shape` (N, C, H, W of the warm-up image),
`chunk` (images that one start of the program gets at most), `exits` (exit status as text -> what it can mean), `note` (on the driver; may be
empty).

The program is `./Mcnn MODEL IMAGES LABELS OUTPUT --device N`. A submitted image is written losslessly (PGM) into a staging folder, named by its sequence;
when an answer is due and no program runs, one is started on what is staged. It prints a JSON line an image as it goes and writes the map
to a file, so that every image has its own deadline, and images are matched by name. LABELS is `-`: the host has the ground truth.
"""

import collections
import contextlib
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from typing import Any, Deque, Dict, List, Optional, Tuple

import numpy

PREFIX = "omgate-native-"

SETTLE_SECONDS = 0.1
"""Before a start of the program this long is waited for the next image, as one start costs the device's initialisation."""

SAME_SUM = 1e-9
"""Relative difference between the printed count and the map file's sum, both in float64: another order of summation."""

TAIL, LONGEST = 3, 300
"""So many of the program's last complaints go into an error, and so many characters of each."""

LISTEN_SECONDS = 2.0
"""A program that has ended closed its stderr with it, unless something that it started holds it open."""

_config: Dict[str, Any] = {}
_folder = ""
_lock = threading.Condition()
_staged: Deque[int] = collections.deque()  # written, not yet given to the program
_due: Deque[int] = collections.deque()  # submitted, not yet answered
_answers: Dict[int, Any] = {}  # sequence -> (density, seconds) or an exception
_run: Optional["_Run"] = None
_runs = 0


def open(config: Dict[str, Any]) -> Dict[str, Any]:
    """Run the program once on a black image, and return what it runs on. A program that prints no machine lines is refused here."""
    global _folder
    _config.clear()
    _config.update(config)
    _clear_abandoned()
    _folder = tempfile.mkdtemp(prefix="%s%d-" % (PREFIX, os.getpid()))
    try:
        submit(0, [numpy.zeros(config["shape"], numpy.uint8)])
        collect()
        _wait_for_end()
    except BaseException:
        close()
        raise
    with io.open(config["model"], "rb") as model:
        digest = hashlib.sha256(model.read()).hexdigest()
    return {
        "device": "device %s" % config["device"],
        "framework": "mxBase",
        "framework_version": config["version"],
        "driver": "native",
        "note": config["note"],
        "program": config["program"],
        "soc": config["soc"],
        "precision": "fp16",
        "model_sha256": digest,
        "region": "the program's own clock; transfer: copy to the device; infer: ModelInference; fetch: copy to the host",
    }


def submit(sequence: int, arrays: List[Any]) -> None:
    """Stage an image (1, 1, H, W) uint8."""
    image = numpy.ascontiguousarray(arrays[0][0, 0])
    path = os.path.join(_folder, _name(sequence))
    with io.open(path + ".part", "wb") as file:
        file.write(b"P5\n%d %d\n255\n" % (image.shape[1], image.shape[0]))
        file.write(image.tobytes())
    os.rename(path + ".part", path)
    with _lock:
        _staged.append(sequence)
        _due.append(sequence)
        _lock.notify_all()


def collect() -> Tuple[int, List[Any], Dict[str, float]]:
    """Return the oldest image's density map (N, C, h, w) float32 and the device's own seconds; raise what the program says of it."""
    sequence = _due.popleft()
    while sequence not in _answers:
        if _run is None:
            _start()
        assert _run is not None
        _run.next_line()
        if _run.ended:
            _conclude()
    answer = _answers.pop(sequence)
    if isinstance(answer, BaseException):
        raise answer
    density, seconds = answer
    return sequence, [density], seconds


def close() -> None:
    """End the program and remove what was staged."""
    global _run, _folder
    run, _run = _run, None
    if run is not None:
        run.process.kill()
        run.process.wait()
    with _lock:
        _staged.clear()
        _due.clear()
    _answers.clear()
    if _folder:
        shutil.rmtree(_folder, ignore_errors=True)
        _folder = ""


class NotFinite(RuntimeError):
    """The density map holds NaN or infinity; the program gives no map then. The host knows this error by its name."""


class _Run:
    """One start of the program on a chunk of images."""

    def __init__(self, folder: str, sequences: List[int]) -> None:
        self.folder = folder
        self.pending = collections.OrderedDict((_name(number), number) for number in sequences)
        self.ended = False
        self.spoke = False
        self.last_failed = False
        self.last: Deque[str] = collections.deque(maxlen=TAIL)
        images, self.output = os.path.join(folder, "images"), os.path.join(folder, "output")
        command = [_config["program"], _config["model"], images + os.sep, "-", self.output]
        command += ["--device", str(_config["device"])]
        # It stays in this process group, so that it is killed with the worker.
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.listener = threading.Thread(target=self.listen, daemon=True)
        self.listener.start()

    def listen(self) -> None:
        """Pass the program's log on to this process's stderr, which is the worker's log, and keep its last errors."""
        assert self.process.stderr is not None
        for raw in self.process.stderr:
            text = raw.decode("utf-8", "replace")
            sys.stderr.write(text)
            if text[:1] in ("E", "F") or "rror" in text or "terminate" in text:
                self.last.append(text.rstrip()[:LONGEST])

    def next_line(self) -> None:
        """Read one line of the program; at the end of its output wait for its exit."""
        assert self.process.stdout is not None
        raw = self.process.stdout.readline()
        if not raw:
            self.process.wait()
            self.listener.join(LISTEN_SECONDS)
            self.process.stdout.close()
            self.ended = True
            return
        text = raw.decode("utf-8", "replace").rstrip("\r\n")
        value = _message(text)
        if value is None:
            sys.stderr.write(text + "\n")
            return
        self.spoke = True
        number = self.pending.pop(os.path.basename(str(value.get("image") or "")), None)
        if number is not None:
            self.last_failed = value.get("status") != "ok"
            _answers[number] = self.answer(value)
            _remove(os.path.join(self.folder, "images", _name(number)))

    def answer(self, value: Dict[str, Any]) -> Any:
        """Return (density map, seconds) from a machine line, or the exception that its image fails with."""
        if value.get("status") != "ok":
            why = [str(value[key]) for key in ("reason", "detail") if value.get(key)]
            kind = NotFinite if value.get("reason") == "not-finite" else RuntimeError
            return kind("the program failed at it: %s" % (": ".join(why) or "no reason given"))
        try:
            density = self.map_of(value)
        except (OSError, TypeError, ValueError, KeyError) as error:
            return RuntimeError("the program's map can't be used: %s" % error)
        seconds = {}
        for region in ("transfer", "infer", "fetch"):
            taken = value.get(region + "_seconds")
            if isinstance(taken, (int, float)):
                seconds[region] = float(taken)
        return density, seconds

    def map_of(self, value: Dict[str, Any]) -> Any:
        """Read and remove the map file; its sum must be the printed count. Raises ValueError."""
        shape = [int(size) for size in value["shape"]]
        path = os.path.join(self.output, str(value["map"]))
        if not os.path.exists(path):
            path = os.path.join(self.folder, str(value["map"]))
        density = numpy.fromfile(path, "<f4")
        _remove(path)
        wanted = int(numpy.prod(shape, dtype=numpy.int64))
        if density.size != wanted:
            raise ValueError("%s holds %d values for the shape %s" % (path, density.size, shape))
        total, printed = float(density.sum(dtype=numpy.float64)), float(value["predicted"])
        # NaN and Inf are for the host to judge, who sees the map.
        if numpy.isfinite(total) and not abs(total - printed) <= SAME_SUM * max(
            1.0, float(numpy.abs(density).sum(dtype=numpy.float64))
        ):
            raise ValueError("it printed a count of %r, its map's sum is %r" % (printed, total))
        return density.reshape(shape)

    def why(self) -> str:
        """Return what became of the program."""
        status = self.process.returncode
        meaning = "ended by %s" % _signal(-status) if status < 0 else "exit status %d" % status
        known = _config["exits"].get(str(status))
        told = "; it says: " + " | ".join(self.last) if self.last else ""
        return "%s%s%s" % (meaning, " (%s)" % known if known else "", told)


def _start() -> None:
    """Start the program on what is staged, after the images that are just coming in."""
    global _run, _runs
    sequences = _take_staged()
    _runs += 1
    folder = os.path.join(_folder, "run-%d" % _runs)
    images = os.path.join(folder, "images")
    os.makedirs(images)
    os.makedirs(os.path.join(folder, "output"))
    for number in sequences:
        os.rename(os.path.join(_folder, _name(number)), os.path.join(images, _name(number)))
    _run = _Run(folder, sequences)


def _take_staged() -> List[int]:
    chunk = int(_config["chunk"])
    with _lock:
        while len(_staged) < chunk and _folder:
            before = len(_staged)
            _lock.wait(SETTLE_SECONDS)
            if len(_staged) == before:
                break
        return [_staged.popleft() for _ in range(min(chunk, len(_staged)))]


def _conclude() -> None:
    """Settle what an ended program has left open: its first unanswered image fails, the others are staged again.

    Not even the first fails where the program told of another image's failure and then ended by itself: that one was the cause.
    """
    global _run
    run, _run = _run, None
    assert run is not None
    left = list(run.pending.values())
    if left and not (run.last_failed and run.process.returncode > 0):
        _answers[left.pop(0)] = RuntimeError(_blame(run))
    with _lock:
        for number in reversed(left):
            os.rename(os.path.join(run.folder, "images", _name(number)), os.path.join(_folder, _name(number)))
            _staged.appendleft(number)
    shutil.rmtree(run.folder, ignore_errors=True)


def _blame(run: _Run) -> str:
    if run.process.returncode == 0 and not run.spoke:
        return (
            "%s ended with status 0 and printed no machine lines: it is not this project's program. Run it by hand, "
            "and read its output with: omgate import FILE --backend om-mxbase" % _config["program"]
        )
    return "the program gave no result for it: %s" % run.why()


def _wait_for_end() -> None:
    """Let a program that has answered everything end, so that the device is free for the next start."""
    while _run is not None:
        _run.next_line()
        if _run.ended:
            _conclude()


def _name(sequence: int) -> str:
    return "%09d.pgm" % sequence


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal %d" % number


def _message(text: str) -> Optional[Dict[str, Any]]:
    """Return a machine line's object, None for another line."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) and value.get("omgate") == 1 else None


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.remove(path)


def _clear_abandoned() -> None:
    """Remove the staging folders of workers that were killed; those of living ones stay."""
    for name in os.listdir(tempfile.gettempdir()):
        number = name[len(PREFIX) :].partition("-")[0] if name.startswith(PREFIX) else ""
        path = os.path.join(tempfile.gettempdir(), name)
        if number.isdigit() and not _is_alive(int(number)) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
