"""One line of images.jsonl: what one backend made of one image. Schema: docs/record.md."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import msgspec

from reports.reasons import ReasonCode

Key = tuple[str, str, str]
"""(case, backend, image)"""


class ImageRecord(msgspec.Struct, frozen=True):
    """What one backend made of one image. Counts in people (float64), `seconds` by region, `digest` of the data."""

    case: str
    backend: str
    image: str
    status: Literal["ok", "failed"]
    reason: str | None = None
    detail: str | None = None
    true_count: float | None = None
    predicted_count: float | None = None
    metrics: dict[str, float | None] = {}
    geometry: dict[str, int | str] = {}
    seconds: dict[str, float | None] = {}
    worker: dict[str, str | int | None] = {}
    digest: str | None = None

    @property
    def key(self) -> Key:
        """(case, backend, image)."""
        return self.case, self.backend, self.image

    @property
    def error(self) -> float:
        """predicted - true count; only an image with status `ok` has one."""
        if self.predicted_count is None or self.true_count is None:
            raise ValueError(f"{self.image} failed: it has no error")
        return self.predicted_count - self.true_count


def clean_text(text: str) -> str:
    r"""`text` as UTF-8 can hold it: bytes of a file name that are none become `\xNN`."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _finite(value: float | None) -> bool:
    return value is None or math.isfinite(value)


def _cleaned(values: dict[str, float | None]) -> dict[str, float | None]:
    return {
        name: float(value) if value is not None and math.isfinite(value) else None
        for name, value in values.items()
    }


def normalise(record: ImageRecord) -> ImageRecord:
    """The record as it may be stored and counted.

    A NaN or Inf becomes null, and an `ok` image that holds one (or lacks a count) becomes `failed`, reason `not-finite`, naming
    the field. A failed image always has a reason. Numbers of numpy become Python's.
    """
    fields: dict[str, float | None] = {
        "true_count": record.true_count,
        "predicted_count": record.predicted_count,
        **record.metrics,
    }
    status, reason, detail = record.status, record.reason, record.detail
    bad = [f"{name} is {value}" for name, value in fields.items() if not _finite(value)]
    if bad and (status == "ok" or reason is None):
        status, reason, detail = "failed", str(ReasonCode.NOT_FINITE), ", ".join(bad)
    elif status == "ok":
        absent = [name for name in ("true_count", "predicted_count") if fields[name] is None]
        if absent:
            status, reason, detail = "failed", str(ReasonCode.NOT_FINITE), f"{' and '.join(absent)} missing"
        else:
            reason = None
    elif reason is None:
        reason = str(ReasonCode.INCOMPLETE_RUN)
    counts = _cleaned({name: fields[name] for name in ("true_count", "predicted_count")})
    return msgspec.structs.replace(
        record,
        case=clean_text(record.case),
        backend=clean_text(record.backend),
        image=clean_text(record.image),
        status=status,
        reason=None if reason is None else str(reason),
        detail=None if detail is None else clean_text(detail),
        true_count=counts["true_count"],
        predicted_count=counts["predicted_count"],
        metrics=_cleaned(record.metrics),
        seconds=_cleaned(record.seconds),
    )


def last_of_each(records: Iterable[ImageRecord]) -> list[ImageRecord]:
    """The last record of each (case, backend, image), in the order in which they first appeared."""
    by_key: dict[Key, ImageRecord] = {}
    for record in records:
        by_key[record.key] = record
    return list(by_key.values())
