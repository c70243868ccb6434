"""The test set: which images there are, an image as the network's input, a label's count."""

import math
import os
from typing import Any, List

import cv2
import numpy

EDGE = 1024
"""The network's input has this many pixels a side."""

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".pgm")


class Refused(Exception):
    """An image or a label that can't be used; the message says why."""


def images_in(folder: str) -> List[str]:
    """Return the names of a folder's images, sorted; hidden files are left out. Raises Refused where two would share a label."""
    try:
        entries = sorted(os.listdir(folder))
    except OSError as error:
        raise Refused("the folder %s can't be read: %s" % (folder, error.strerror)) from None
    names = [
        name
        for name in entries
        if os.path.splitext(name)[1].lower() in ENDINGS
        and not name.startswith(".")
        and os.path.isfile(os.path.join(folder, name))
    ]
    if not names:
        raise Refused("the folder %s holds no image (%s)" % (folder, ", ".join(ENDINGS)))
    by_stem = {}
    for name in names:
        other = by_stem.setdefault(os.path.splitext(name)[0], name)
        if other != name:
            raise Refused("%s and %s would share one label; keep or rename one" % (other, name))
    return names


def label_of(image: str, folder: str) -> str:
    """Return the path of an image's label: IMG_1.csv belongs to IMG_1.jpg."""
    return os.path.join(folder, os.path.splitext(image)[0] + ".csv")


def true_count(path: str) -> float:
    """Return the sum of a density map in a CSV, people, in float64. Raises Refused for anything but rows of finite numbers >= 0."""
    total, width = 0.0, 0
    try:
        with open(path, encoding="utf-8-sig") as rows:
            for number, row in enumerate(rows, 1):
                if not row.strip():
                    continue
                values = list(map(float, row.split(",")))
                if width and len(values) != width:
                    raise Refused(
                        "%s:%d: %d values, %d in the first row" % (path, number, len(values), width)
                    )
                row_total = sum(values)
                if min(values) < 0.0 or not math.isfinite(row_total):
                    raise Refused("%s:%d: not all of them are finite numbers >= 0" % (path, number))
                width = len(values)
                total += row_total
    except OSError as error:
        raise Refused("%s can't be read: %s" % (path, error.strerror)) from None
    except ValueError as error:
        raise Refused("%s: not a density map: %s" % (path, error)) from None
    if not width:
        raise Refused("%s holds no row" % path)
    return total


def network_input(path: str) -> Any:
    """Return an image file as (1, 1, EDGE, EDGE) float32: grey levels 0..255, centred in black. Raises Refused.

    The rule of the deliverable: an odd pixel more lies before the image (683 rows: 171 black ones above, 170 below).
    """
    image = _decoded(path)
    height, width = image.shape
    if height > EDGE or width > EDGE:
        raise Refused(
            "%d x %d pixels; at most %d x %d fit into the network's input" % (height, width, EDGE, EDGE)
        )
    top, left = EDGE // 2 - height // 2, EDGE // 2 - width // 2
    padded = numpy.zeros((1, 1, EDGE, EDGE), numpy.float32)
    padded[0, 0, top : top + height, left : left + width] = image
    return padded


def _decoded(path: str) -> Any:
    """Read and decode apart: cv2.imread takes no name that is not UTF-8. The grey levels are the same."""
    try:
        image = cv2.imdecode(numpy.fromfile(path, numpy.uint8), cv2.IMREAD_GRAYSCALE)
    except (OSError, cv2.error) as error:
        raise Refused("can't be read: %s" % " ".join(str(error).split())) from None
    if image is None:
        raise Refused("can't be read: OpenCV can't decode it")
    return image
