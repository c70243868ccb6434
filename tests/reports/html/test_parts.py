"""What the report is made of: thinned points, grouped backends, CSV cells, numbers, the choice of images, overlays."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.html import scatter, shown, speed
from reports.html.choice import MOST_MOVED, MOST_OF_A_CASE, choose
from reports.html.download import FORMULA, to_csv
from reports.html.overlays import LONG_SIDE, overlay, shrink
from reports.html.source import load
from reports.html.words import Both
from reports.pictures import Picture
from reports.record import read
from tests.reports.html import made


def test_thinning_keeps_every_point_that_stands_alone() -> None:
    random = np.random.default_rng(1)
    true = [*random.uniform(0, 1000, 10_000).tolist(), 500.0]
    predicted = [*(x + random.normal(0, 5) for x in true[:-1]), 5000.0]
    kept = scatter.thinned(true, predicted)
    assert 10_000 in kept
    assert len(kept) <= scatter.MOST_POINTS
    assert kept == sorted(set(kept))


def test_few_points_are_all_drawn() -> None:
    assert scatter.thinned([1.0] * 300, [2.0] * 300) == list(range(300))


def test_backends_that_look_alike_share_a_panel(tmp_path: Path) -> None:
    writer = made.begin(tmp_path, images=20)
    writer.finish()
    source = load(writer.folder)
    from reports.html import figure

    with figure.styled():
        panels = scatter.panels(source, source.cases[0], 0)
    assert [panel.backends for panel in panels] == [("reference", "ckpt", "om-mxbase"), ("om-sdk",)]
    assert (
        scatter.caption(panels[0]).en
        == "reference, ckpt, om-mxbase (emulated in part); the same to a pixel; n = 20"
    )
    assert scatter.caption(panels[1]).en == "om-sdk (emulated); n = 20"


def test_a_percentile_that_the_samples_do_not_support_says_so(tmp_path: Path) -> None:
    folder = made.full(tmp_path)
    source = load(folder)
    few = [msgspec.structs.replace(timing, n=20, p90=None) for timing in source.run.timings]
    run = msgspec.structs.replace(source.run, timings=tuple(few))
    source = replace(source, record=replace(source.record, run=run))
    table = speed.timings(source, sweeps=False)
    assert table is not None
    cell = table.rows[0].cells[7]
    assert (table.columns[7].title.en, cell.text) == ("p90", "–")
    assert cell.sub == Both("not supported (n = 20)", "样本不足（n = 20）")


def test_the_steps_of_a_distribution_end_at_one() -> None:
    times, shares = speed.steps([float(value) for value in range(5000, 0, -1)])
    assert (times[0], times[-1], shares[-1]) == (1.0, 5000.0, 1.0)
    assert len(times) <= speed.MOST_STEPS


@given(st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_no_cell_of_a_csv_is_a_formula_and_none_is_lost(texts: list[str]) -> None:
    rows = list(csv.reader(io.StringIO(to_csv([str(n) for n in range(len(texts))], [texts]), newline="")))
    assert not any(cell.lstrip(" ").startswith(FORMULA) for cell in rows[1])
    assert [
        cell.removeprefix("'") if cell != text else cell for cell, text in zip(rows[1], texts, strict=True)
    ] == texts


def test_a_negative_number_stays_a_number() -> None:
    assert to_csv(["a"], [[-1.5], [None], [3]]) == "a\r\n-1.5\r\n\r\n3\r\n" or to_csv(
        ["a"], [[-1.5]]
    ).endswith("-1.5\r\n")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0.00"),
        (-3.456, "−3.46"),
        (2.7e-06, "2.7 × 10⁻⁶"),
        (-0.019, "−0.019"),
        (1234.5, "1234.50"),
    ],
)
def test_a_count_as_it_is_shown(value: float | None, text: str) -> None:
    assert shown.count(value) == text


def test_the_images_that_moved_come_first_then_the_worst(tmp_path: Path) -> None:
    writer = made.begin(tmp_path, images=40)
    writer.finish()
    found = choose(writer.run, read(writer.folder).images)
    assert len(found) == MOST_OF_A_CASE
    moved = [choice for choice in found if choice.moved]
    assert 0 < len(moved) <= MOST_MOVED
    assert found[: len(moved)] == moved
    assert moved[0].backend == "om-sdk"
    errors = [max(abs(record.error) for record in choice.records.values()) for choice in found[len(moved) :]]
    assert errors == sorted(errors, reverse=True)


def test_many_cases_share_the_room(tmp_path: Path) -> None:
    import msgspec

    writer = made.begin(tmp_path, images=20)
    writer.finish()
    record = read(writer.folder)
    cases = tuple(msgspec.structs.replace(record.run.cases[0], name=f"case {n}") for n in range(9))
    images = [msgspec.structs.replace(image, case=case.name) for case in cases for image in record.images]
    assert len(choose(msgspec.structs.replace(record.run, cases=cases), images)) == 36


def test_a_picture_is_small_and_its_densities_lie_on_the_image() -> None:
    import cv2

    grey = np.full((600, 900), 128, np.uint8)
    truth = np.zeros((32, 32), np.float32)
    truth[4:6, 16:18] = 1.0  # the image's rows are 4 to 28 of the map, its columns 1 to 31
    geometry: dict[str, int | str] = {
        "height": 96,
        "width": 120,
        "top": 16,
        "left": 4,
        "input_height": 128,
        "input_width": 128,
    }
    found = overlay(Picture(shrink(grey), truth), None, geometry)
    assert found is not None
    assert (found.width, found.predicted, found.brightest) == (LONG_SIDE, None, 1.0)
    import base64

    drawn = cv2.imdecode(
        np.frombuffer(base64.b64decode(found.truth.partition(",")[2]), np.uint8), cv2.IMREAD_COLOR
    )
    bright = np.argwhere(drawn.max(axis=2) > 200)
    assert bright.size
    assert bright[:, 0].max() < drawn.shape[0] * 0.15, "at the top, where it was cut"
    assert 0.45 < bright[:, 1].mean() / drawn.shape[1] < 0.6


def test_a_picture_that_is_broken_is_none() -> None:
    assert overlay(Picture(b"no jpeg", np.zeros((4, 4), np.float32)), None, {}) is None


def test_a_map_of_nothing_is_drawn() -> None:
    found = overlay(
        Picture(shrink(np.zeros((20, 20), np.uint8)), np.zeros((4, 4), np.float32)),
        np.full((4, 4), np.nan, np.float32),
        {},
    )
    assert found is not None
    assert found.brightest == 0.0
