"""The baseline's file: how it is written, read, and broken by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from reports.baseline import encode, list_baselines, load, promoted_ids
from reports.errors import ReportError
from reports.image import ImageRecord
from reports.promotion import Promotion
from reports.record import RunRecord

Image = Callable[..., ImageRecord]
Finished = Callable[..., RunRecord]
Promote = Callable[..., Promotion]
UNIT = ("mcnn-synthetic", "ckpt", "cpu", "fp32")


def test_without_a_file_there_is_no_baseline(folder: Path) -> None:
    assert load(folder, *UNIT) is None
    assert list_baselines(folder) == []


def test_a_diff_shows_the_image_that_changed(
    promote_it: Promote, finished: Finished, image: Image, folder: Path
) -> None:
    first = promote_it(finished(), folder).path.read_text().splitlines()
    counts = {"IMG_1": 101.0, "IMG_2": 100.1 + 0.2, "IMG_3": 101.0}
    second_run = finished(images=[image(name, count) for name, count in counts.items()])
    second = promote_it(second_run, folder, "second").path.read_text().splitlines()
    changed = [line for line in second if line not in first and line.startswith('  "IMG_')]
    assert len(changed) == 1
    assert "100.3" in changed[0]
    assert json.loads("\n".join(second))["images"]["IMG_2"]["predicted_count"] == 100.1 + 0.2


def test_the_same_promotion_gives_the_same_bytes(
    promote_it: Promote, finished: Finished, folder: Path, tmp_path: Path
) -> None:
    record = finished()
    one = promote_it(record, folder)
    assert one.path.read_bytes() == promote_it(record, tmp_path / "other").path.read_bytes()
    assert encode(one.baseline) == one.path.read_bytes()


def test_a_file_broken_by_hand_gives_one_clear_line(
    promote_it: Promote, finished: Finished, folder: Path
) -> None:
    path = promote_it(finished(), folder).path
    good = path.read_text()
    broken = {
        good.replace('"images": {', '"images": {{', 1): r"ckpt-cpu-fp32\.json:\d+: no JSON",
        "<<<<<<< HEAD\n" + good: r":1: no JSON.*merge conflict",
        good.replace(
            '"predicted_count": 101.0', '"predicted_count": "101"', 1
        ): r"images.*predicted_count|Expected `float`",
        good.replace(
            '"predicted_count": 101.0', '"predicted_count": 150.0', 1
        ): "summary.mae: seen 1.0, the images' counts give",
        good.replace('"predicted_count": 101.0', '"predicted_count": NaN', 1): "NaN is no number",
        good.replace('"IMG_2"', '"IMG_1"', 1): "'IMG_1' is there twice",
        good.replace('"schema": 1', '"schema": 2', 1): "schema: seen 2",
        good.replace(
            '"backend": "ckpt"', '"backend": "reference"', 1
        ): "belong into mcnn-synthetic/reference-cpu-fp32.json",
        "[]": "Expected `object`",
        "": ":1: no JSON",
        "[" * 100_000: "recursion|no JSON",
    }
    for text, message in broken.items():
        assert text != good
        path.write_text(text)
        with pytest.raises(ReportError, match=message) as error:
            load(folder, *UNIT)
        assert "\n" not in str(error.value)
    assert list_baselines(folder)[0].problem
    with pytest.raises(ReportError):
        promoted_ids([folder])


def test_bytes_that_are_no_text_are_refused(promote_it: Promote, finished: Finished, folder: Path) -> None:
    path = promote_it(finished(), folder).path
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ReportError):
        load(folder, *UNIT)


def test_the_list_holds_all_by_case(promote_it: Promote, finished: Finished, folder: Path) -> None:
    promote_it(finished(), folder)
    assert [file.baseline.backend for file in list_baselines(folder, "mcnn-synthetic") if file.baseline] == [
        "ckpt"
    ]
    assert list_baselines(folder, "other") == []


def test_a_name_that_is_no_file_name_stays_in_the_folder(folder: Path) -> None:
    assert load(folder, "../..", "a/b", "\0", "x" * 500) is None
