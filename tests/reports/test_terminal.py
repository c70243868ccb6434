from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reports.image import ImageRecord
from reports.summary import summarise
from reports.terminal import Row, closing_table
from reports.verdict import Number, Reason, ReasonCode, Status, Verdict, cannot_tell

Image = Callable[..., ImageRecord]
GOLDEN = Path(__file__).parent / "golden"


def number(metric: str, difference: float, low: float, high: float) -> Number:
    return Number(
        metric=metric,
        unit="counts",
        old=12.0,
        new=12.0 + difference,
        difference=difference,
        low=low,
        high=high,
    )


@pytest.fixture
def rows(image: Image) -> list[Row]:
    good = [image(f"IMG_{n}", 100.0 + n) for n in range(24)]
    failed = [*good[1:], image("IMG_0", status="failed", reason="bad-image")]
    moved = (number("mae", 3.21, 1.2, 5.31), number("rmse", 14.0, -1.25, 20.5))
    same = (number("mae", 0.0, 0.0, 0.0), number("rmse", 0.0, 0.0, 0.0))
    return [
        Row(
            case="mcnn-synthetic",
            backend="reference",
            verdict=Verdict(status=Status.PASS, numbers=same),
            summary=summarise(good, wall_seconds=3.7),
        ),
        Row(
            case="mcnn-synthetic",
            backend="ckpt",
            verdict=Verdict(
                status=Status.REGRESSED,
                numbers=moved,
                reasons=(
                    Reason("gate-exceeded", "MAE rose by 3.21 counts", "look"),
                    Reason("bad-image", "IMG_0 is torn"),
                ),
            ),
            summary=summarise(failed, wall_seconds=0.1),
            note="synthetic data",
        ),
        Row(
            case="人群-部分A",
            backend="om-sdk",
            verdict=cannot_tell(
                ReasonCode.NO_BASELINE, "no baseline", "omgate baseline promote X --reason TEXT"
            ),
        ),
    ]


@pytest.mark.parametrize("width", [50, 80, 140])
def test_the_table_at_a_width(rows: list[Row], width: int) -> None:
    found = closing_table(rows, width, warnings=["one device was busy"])
    assert found == (GOLDEN / f"closing-{width}.txt").read_text(encoding="utf-8")


def test_wide_characters_are_aligned(rows: list[Row]) -> None:
    import unicodedata

    def columns(text: str) -> int:
        return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)

    lines = closing_table(rows, 140).splitlines()
    starts = {
        columns(line[: line.index(backend)])
        for line, backend in zip(lines[1:4], ("reference", "ckpt", "om-sdk"), strict=True)
    }
    assert len(starts) == 1


def test_nothing_to_tell_is_nothing() -> None:
    assert closing_table([]) == ""


def test_a_name_cannot_command_the_terminal(rows: list[Row]) -> None:
    evil = Row(case="\x1b[2J[bold]x[/bold]\n\u202e", backend="b\tc", verdict=rows[2].verdict)
    found = closing_table([evil], 120)
    assert "\x1b" not in found
    assert "\u202e" not in found
    assert "[bold]x[/bold]" in found


def test_colours_only_when_asked_for(rows: list[Row]) -> None:
    assert "\x1b[" in closing_table(rows, 120, color=True)
    assert "\x1b[" not in closing_table(rows, 120)


def test_a_command_in_a_footnote_is_not_broken(rows: list[Row]) -> None:
    assert "omgate baseline promote X --reason TEXT\n" in closing_table(rows, 50)
