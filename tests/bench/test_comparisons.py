"""A run's part of parity: what is kept, what is said where it can't be, and that everything is compared once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.backends.base import Options
from bench.comparisons import Comparisons
from bench.evaluate import Result
from bench.parity import Pairing
from bench.progress import Bar
from cases.case import Case, load_all
from cases.preprocess import Geometry
from reports.image import ImageRecord
from reports.record import BackendEntry, CaseEntry, RunWriter, read
from tests.bench import tiny

pytest.importorskip("onnx")

NAMES = ("IMG_1", "IMG_2")
GEOMETRY = Geometry("pad-16", 8, 16, 8, 16, 4, 0, 16, 16)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return load_all(tiny.house(tmp_path_factory.mktemp("case"), images=1))[0]


@pytest.fixture
def begin(tmp_path: Path, case: Case) -> Callable[..., tuple[RunWriter, Comparisons, list[Any]]]:
    """A run of two images on some backends, and what was asked to be measured."""

    def build(*backends: str) -> tuple[RunWriter, Comparisons, list[Any]]:
        entries = tuple(
            BackendEntry(case=case.name, name=name, soc="cpu", precision="fp32") for name in backends
        )
        cases = (CaseEntry(name=case.name, images=NAMES, available=len(NAMES)),)
        writer = RunWriter.create(tmp_path, cases=cases, backends=entries)
        asked: list[Any] = []
        measure = lambda case, backend: asked.append((case.name, backend))  # noqa: E731
        return writer, Comparisons(writer, Options(), {}, Bar(quiet=True), measure), asked

    return build


def record(writer: RunWriter, comparisons: Comparisons, case: Case, backend: str, shift: float = 0.0) -> None:
    for sequence, name in enumerate(NAMES):
        density = np.full((8, 8), 0.5 + shift, np.float32)
        result = Result(sequence, name, "ok", density=density)
        comparisons.keep(case.name, backend, result)
        count = float(density.sum())
        writer.append(ImageRecord(case.name, backend, name, "ok", true_count=30.0, predicted_count=count, geometry=GEOMETRY.as_dict(), digest="d"))  # fmt: skip


def test_both_sides_are_measured_and_the_verdict_is_in_the_record_at_once(
    begin: Callable[..., Any], case: Case
) -> None:
    writer, comparisons, asked = begin("reference", "ckpt")
    for backend, shift in (("reference", 0.0), ("ckpt", 0.1)):
        record(writer, comparisons, case, backend, shift)
    found = comparisons.parity(Pairing(case, "ckpt", "reference"))
    assert asked == [(case.name, "ckpt"), (case.name, "reference")]
    assert (found.status, found.n) == ("regressed", 2)
    assert read(writer.folder).run.parity == (found,)
    assert comparisons.parity(Pairing(case, "ckpt", "reference")) is found
    assert len(asked) == 2
    comparisons.finish()
    assert not (writer.folder / "exact").exists()


def test_one_backend_alone_keeps_no_exact_maps(begin: Callable[..., Any], case: Case) -> None:
    writer, comparisons, _ = begin("reference")
    record(writer, comparisons, case, "reference")
    assert not (writer.folder / "exact").exists()


def test_where_maps_cannot_be_kept_the_run_goes_on_and_parity_cannot_tell(
    begin: Callable[..., Any], case: Case
) -> None:
    writer, comparisons, _ = begin("reference", "ckpt")
    (writer.folder / "exact").write_bytes(b"in the way")
    for backend in ("reference", "ckpt"):
        record(writer, comparisons, case, backend)
    assert len(read(writer.folder).images) == 4
    assert len(writer.run.warnings) == 1
    assert writer.run.warnings[0].startswith("no exact maps for parity: ")
    found = comparisons.parity(Pairing(case, "ckpt", "reference"))
    assert (found.status, [reason.code for reason in found.reasons]) == ("cannot-tell", ["map-missing"])


def test_a_comparison_is_kept_when_the_exact_maps_are_gone(begin: Callable[..., Any], case: Case) -> None:
    writer, comparisons, _ = begin("reference", "ckpt")
    for backend in ("reference", "ckpt"):
        record(writer, comparisons, case, backend)
    pairing = Pairing(case, "ckpt", "reference")
    found = comparisons.parity(pairing)
    comparisons.finish()
    later = Comparisons(writer, Options(), {}, Bar(quiet=True), lambda case, backend: None)
    assert later.parity(pairing) == found
    assert (found.status, found.identical) == ("pass", 2)
