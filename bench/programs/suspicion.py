"""Tells known failures of the programs from good results, and says by what the final figures were divided.

Sources: the published deliverable's `Mcnn.cpp` and `main.py`, and what they do with images and labels that do not fit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bench.programs.output import OSTREAM_DIGITS, ImageOutput, ProgramOutput, half_unit
from reports.reasons import ReasonCode

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")
"""What a test set's images end in; the published Mcnn infers every directory entry, these or not."""

EDGE = 1024
"""Pixels: the network's input. At 1025 the published Mcnn drops the last row or column, above that all of the image."""

DIVISOR = 182
"""The images of ShanghaiTech part A's test set: the published programs divide by it, however many there are."""

ACCUMULATED = 1e-4
"""Relative error of a float32 sum over a test set: at most 2**-24 for each of some hundred images, with room."""


def last_of_each_name(images: Iterable[ImageOutput], source: str) -> tuple[list[ImageOutput], list[str]]:
    """Return the last entry of every name, and a complaint for each that was there before."""
    by_name: dict[str, ImageOutput] = {}
    complaints = []
    for image in images:
        if image.name in by_name:
            complaints.append(
                f"{source}:{image.line}: {image.name} again, also in line {by_name[image.name].line}; the last counts"
            )
        by_name[image.name] = image
    return list(by_name.values()), complaints


def judged(output: ProgramOutput, source: str) -> ProgramOutput:
    """Return the output with a reason on every image whose count can't be trusted, and complaints about the whole."""
    images = [_judged_image(image, output.kind == "mcnn") for image in output.images]
    images, same = _same_counts(images)
    complaints = [*same, *_about_the_end(output), *_about_final_figures(output)]
    return replace(
        output,
        images=tuple(images),
        warnings=(*output.warnings, *(f"{source}: {text}" for text in complaints)),
    )


def _judged_image(image: ImageOutput, published: bool) -> ImageOutput:
    if image.reason:
        return image
    if image.predicted is None:
        return _doubt(image, ReasonCode.BAD_OUTPUT, "no predicted count could be read")
    if not math.isfinite(image.predicted) or (image.true is not None and not math.isfinite(image.true)):
        return _doubt(
            image,
            ReasonCode.NOT_FINITE,
            f"the program printed {image.predicted} for a true count of {image.true}",
        )
    return _of_the_published(image) if published else image


def _of_the_published(image: ImageOutput) -> ImageOutput:
    """What only the published Mcnn does."""
    if image.size is not None and 0 in image.size:
        return _doubt(image, ReasonCode.BAD_IMAGE, "it could not be decoded, and a black image was inferred")
    if image.size is None and not image.name.lower().endswith(IMAGE_SUFFIXES):
        return _doubt(
            image, ReasonCode.BAD_IMAGE, "no image by its name: a black image is inferred for such an entry"
        )
    largest = max(image.size) if image.size is not None else 0
    if largest > EDGE + 1:
        return _doubt(
            image,
            ReasonCode.TOO_LARGE,
            f"{largest} pixels are more than {EDGE}: a black image was inferred in its place",
        )
    if largest > EDGE:
        return _doubt(
            image,
            ReasonCode.TOO_LARGE,
            f"{largest} pixels are more than {EDGE}: its last row or column was dropped",
        )
    if image.true == 0.0:
        return _doubt(
            image,
            ReasonCode.MISSING_TRUTH,
            "its true count is exactly 0: so the published program counts a label that it does not find",
        )
    return image


def _doubt(image: ImageOutput, reason: ReasonCode, detail: str) -> ImageOutput:
    return replace(image, reason=reason.value, detail=detail)


def _same_counts(images: list[ImageOutput]) -> tuple[list[ImageOutput], list[str]]:
    """Doubt images that share one predicted count though their true counts differ: black images, or a result that was kept.

    Two of them can be chance where six digits were printed (about one run of 300 images in six), so that a pair whose sizes are
    known to fit is only complained about.
    """
    groups: dict[float, list[int]] = {}
    for index, image in enumerate(images):
        if image.predicted is not None and math.isfinite(image.predicted) and not image.reason:
            groups.setdefault(image.predicted, []).append(index)
    complaints = []
    for count, members in groups.items():
        found = [images[index] for index in members]
        trues = {image.true for image in found}
        if len(found) < 2 or (len(trues) == 1 and trues not in ({None}, {0.0})):
            continue
        names = ", ".join(image.name for image in found[:5])
        if (
            len(found) == 2
            and found[0].precision_digits <= OSTREAM_DIGITS
            and all(image.size for image in found)
        ):
            complaints.append(f"{names} have the same count, {count:g}; with six digits that can be chance")
            continue
        for index in members:
            images[index] = _doubt(
                images[index],
                ReasonCode.BAD_OUTPUT,
                f"the same count, {count:g}, for {len(found)} different images ({names}): suspected to be inferred as black images"
                f" (above {EDGE} pixels, or unreadable)",
            )
    return images, complaints


# --- the whole run ------------------------------------------------------------------------------------------------------------


def _about_the_end(output: ProgramOutput) -> list[str]:
    found = []
    if not output.complete:
        found.append(
            f"no final figures after {len(output.images)} images: the program did not come to its end"
        )
    if output.expected is not None and len(output.images) < output.expected:
        found.append(
            f"{len(output.images)} of {output.expected} images have a count: the program died, or its log keeps only some lines"
            " (log_flow_control_frequency in logging.conf)"
        )
    return found


def _about_final_figures(output: ProgramOutput) -> list[str]:
    """Hold the printed MAE and MSE (root) against the images."""
    if output.final_mae is None or output.final_rmse is None:
        return []
    pairs = [
        (image.predicted, image.true)
        for image in output.images
        if image.predicted is not None and image.true is not None
    ]
    errors = [predicted - true for predicted, true in pairs]
    if not all(math.isfinite(value) for value in (*errors, output.final_mae, output.final_rmse)):
        return [f"final figures are not finite: MAE {output.final_mae}, MSE (root) {output.final_rmse}"]
    if not errors:
        return []
    printed = f"printed MAE {output.final_mae:g}, MSE (root) {output.final_rmse:g}"
    mae, rmse = _figures(errors, len(errors))
    exact = f"over the {len(errors)} images they are {mae:.6g} and {rmse:.6g}"
    divisor = explained_by(output.images, output.final_mae, output.final_rmse)
    if divisor == len(errors):
        return []
    if divisor is None:
        return [f"{printed}: no divisor explains them, {exact}"]
    constant = (
        ", which the published programs divide by whatever the number of images" if divisor == DIVISOR else ""
    )
    return [f"{printed}: divided by {divisor}{constant}; {exact}"]


def explained_by(images: Sequence[ImageOutput], mae: float, rmse: float) -> int | None:
    """Return by what the sums over the images were divided: their number first, then 182, then any other whole number; None: by nothing.

    Within what the printed digits and float32 sums leave open.
    """
    known = [image for image in images if image.predicted is not None and image.true is not None]
    errors = [(image.predicted or 0.0) - (image.true or 0.0) for image in known]
    total = _sum([abs(error) for error in errors])
    if not known or not math.isfinite(total):
        return None
    open_sum = _sum([image.slack for image in known]) + ACCUMULATED * total
    digits = min(image.precision_digits for image in known)
    guess = round(total / mae) if mae > 0 and total / mae < 1e9 else 0
    for divisor in (len(known), DIVISOR, guess):
        if divisor < 1:
            continue
        expected_mae, expected_rmse = _figures(errors, divisor)
        # A root mean square moves by no more than the root mean square of what its errors move by, and that by no more than this.
        open_rmse = open_sum / math.sqrt(divisor)
        if abs(expected_mae - mae) <= open_sum / divisor + half_unit(mae, digits) and abs(
            expected_rmse - rmse
        ) <= open_rmse + half_unit(rmse, digits):
            return divisor
    return None


def _figures(errors: Sequence[float], divisor: int) -> tuple[float, float]:
    """MAE and root mean squared error over `divisor` images."""
    mae = _sum([abs(error) for error in errors]) / divisor
    return mae, math.sqrt(_sum([error * error for error in errors]) / divisor)


def _sum(values: Sequence[float]) -> float:
    try:
        return math.fsum(values)
    except OverflowError:
        return math.inf
