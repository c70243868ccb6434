"""A run over a test set: several images under way, counts held against the ground truth, and what is printed of it."""

import collections
import math
import os
import sys
import time
from typing import Any, Deque, Dict, List, Optional

import data_set
from counting_stream import InferenceFailed, Overdue
from data_set import Refused

DEPTH = 4
"""Images under way at once: while the device infers one, the next are read and copied."""

MAP_SHAPE = (1, 1, 256, 256)

STARS = "*" * 45


class Evaluation:
    """The images of a folder with their ground truth, which is read before the clock runs. Raises Refused for unusable folders."""

    def __init__(self, images: str, labels: str, output: Optional[str]) -> None:
        self._images, self._output = images, output
        self._names: List[str] = data_set.images_in(images)
        if not os.path.isdir(labels):
            raise Refused("no folder of ground truth: %s" % labels)
        if output is not None:
            _make_folder(output)
        self.failed = 0
        self._seconds = 0.0
        self._errors: List[float] = []
        self._under_way: Deque[str] = collections.deque()
        self._truths: Dict[str, float] = {}
        for name in self._names:
            try:
                self._truths[name] = data_set.true_count(data_set.label_of(name, labels))
            except Refused as error:
                self._fail(name, str(error))

    def run(self, stream: Any, deadline: float) -> None:
        """Measure all images that have a label; `deadline` in seconds for each result."""
        start = time.monotonic()
        left = collections.deque(name for name in self._names if name in self._truths)
        try:
            while left or self._under_way:
                if left and len(self._under_way) < DEPTH:
                    self._send(stream, left.popleft())
                else:
                    self._receive(stream, deadline)
        except Overdue as error:
            self._fail(self._under_way.popleft(), str(error))
            for name in [*self._under_way, *left]:
                self._fail(name, "not measured, as the stream hangs")
        self._seconds = time.monotonic() - start

    def tell_end(self) -> None:
        """Print the footer, over the images that were counted."""
        number = len(self._errors)
        if self.failed:
            complain("%d of %d images failed; the figures leave them out" % (self.failed, len(self._names)))
        if not number:
            return
        mae = sum(abs(error) for error in self._errors) / number
        mse = math.sqrt(sum(error * error for error in self._errors) / number)
        print(STARS)
        print("Final accuracy of the project:")
        print("MAE:", mae, "  MSE:", mse)
        print(STARS)
        print("Overall project performance:")
        print(number / self._seconds, "images/seconds")
        print(
            "images/seconds covers reading, padding, transfer and inference of %d images, up to %d at once; the ground "
            "truth was read before. MSE is the root of the mean squared error." % (number, DEPTH),
            flush=True,
        )

    def _send(self, stream: Any, name: str) -> None:
        try:
            stream.send(data_set.network_input(os.path.join(self._images, name)))
        except (Refused, InferenceFailed) as error:
            self._fail(name, str(error))
        else:
            self._under_way.append(name)

    def _receive(self, stream: Any, deadline: float) -> None:
        """Take the oldest image's map. Raises Overdue, and leaves the image under way."""
        name = self._under_way[0]
        try:
            self._count(name, stream.receive(deadline))
        except (InferenceFailed, OSError) as error:
            self._fail(name, str(error))
        self._under_way.popleft()

    def _count(self, name: str, density: Any) -> None:
        if density.shape != MAP_SHAPE:
            raise InferenceFailed("the density map is %s, not %s" % (list(density.shape), list(MAP_SHAPE)))
        # In float64: a float32 sum depends on its order.
        predicted = float(density.sum(dtype="float64"))
        if not math.isfinite(predicted):
            raise InferenceFailed("the density map holds NaN or infinity")
        if self._output is not None:
            _write(os.path.join(self._output, os.path.splitext(name)[0] + ".f32"), density.tobytes())
        truth = self._truths[name]
        self._errors.append(predicted - truth)
        path = _shown(os.path.join(self._images, name))
        print(path, "True value:", truth, "predictive value:", predicted, flush=True)

    def _fail(self, name: str, why: str) -> None:
        self.failed += 1
        complain("%s: %s" % (name, why))


def complain(text: str) -> None:
    """Print one line on stderr."""
    sys.stderr.write("main.py: %s\n" % _shown(text))
    sys.stderr.flush()


def _shown(text: str) -> str:
    """A text with a path in it on one line, whatever bytes the path has."""
    plain = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in plain)


def _make_folder(path: str) -> None:
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise Refused("the folder %s can't be made: %s" % (path, error.strerror)) from None


def _write(path: str, content: bytes) -> None:
    """Write a file whole or not at all."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, ".%s.part" % name)
    with open(temporary, "wb") as file:
        file.write(content)
    os.rename(temporary, path)
