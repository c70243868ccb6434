from __future__ import annotations

from pathlib import Path

import pytest

from reports.parity import Parity
from reports.parity_table import parity_table
from reports.reasons import Reason
from reports.tolerance import Deviation, Tolerance, WouldPass

GOLDEN = Path(__file__).parent / "golden"

HALF = Tolerance(
    lowest=0.27,
    highest=1.14,
    relative_l2=0.0052,
    factor=3.0,
    halves=1,
    same=1e-4,
    same_map=1e-3,
    deviation=Deviation(24, 0.09, 0.26, 0.0014),
)


@pytest.fixture
def parities() -> list[Parity]:
    numbers = {
        "n": 24,
        "expected": 24,
        "max_difference": 0.2626,
        "mean_difference": 0.06,
        "max_relative": 1.63e-3,
        "min_cosine": 0.99999924,
        "max_relative_l2": 0.0014,
        "game1": 0.061,
        "game2": 0.12,
        "game3": 0.3,
        "tolerance": HALF,
    }
    same = {**numbers, "identical": 24, "max_difference": 0.0, "max_relative": 0.0, "max_relative_l2": 0.0, "min_cosine": 1.0, "game1": 0.0, "game2": 0.0, "game3": 0.0, "tolerance": None}  # fmt: skip
    far = {**numbers, "n": 23, "max_difference": 12.5, "would_pass": WouldPass(factor=33.1, counts=12.6, image="IMG_4")}  # fmt: skip
    case = "mcnn-synthetic"
    return [
        Parity(case=case, backend="om-sdk", other="reference", status="pass", **numbers),  # type: ignore[arg-type]
        Parity(
            case=case,
            backend="om-mxbase",
            other="reference",
            status="regressed",
            reasons=(
                Reason("parity-exceeded", "1 of 24 images have counts further apart", "look"),
                Reason("worker-died", "IMG_2 is lost"),
            ),
            **far,  # type: ignore[arg-type]
        ),
        Parity(case=case, backend="om-mxbase", other="om-sdk", status="pass", **same),  # type: ignore[arg-type]
        Parity(
            case="人群-部分A",
            backend="ckpt",
            other="reference",
            status="cannot-tell",
            reasons=(Reason("incomplete-run", "24 of 24 images have no result on both"),),
            expected=24,
        ),
    ]


@pytest.mark.parametrize("width", [50, 80, 140])
def test_the_table_at_a_width(parities: list[Parity], width: int) -> None:
    found = parity_table(parities, width, first_note=3)
    assert found == (GOLDEN / f"parity-{width}.txt").read_text(encoding="utf-8")


def test_nothing_to_tell_is_nothing() -> None:
    assert parity_table([]) == ""


def test_a_name_cannot_command_the_terminal() -> None:
    evil = Parity(case="\x1b[2J[bold]x[/bold]\n\u202e", backend="b\tc", other="d", status="cannot-tell")
    for width in (50, 80, 140):
        found = parity_table([evil], width)
        assert "\x1b" not in found
        assert "\u202e" not in found
        assert "[bold]x[/bold]" in found


def test_colours_only_when_asked_for(parities: list[Parity]) -> None:
    assert "\x1b[" in parity_table(parities, 140, color=True)
    assert "\x1b[" not in parity_table(parities, 140)
