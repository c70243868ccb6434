"""What is shown of a ladder adds up in the digits shown."""

from __future__ import annotations

from decimal import Decimal
from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from reports.attribution import Attribution, Factor, Rung, shown

FACTORS: list[Factor] = ["ground-truth", "preprocessing", "framework", "precision", "runtime", "pipeline"]
CHANGES = st.lists(
    st.floats(-1e3, 1e3).map(lambda value: value * 10 ** -(abs(hash(value)) % 7)), min_size=1, max_size=6
)


def made(start: float, changes: list[float]) -> Attribution:
    maes = list(accumulate([start, *changes]))
    rungs = tuple(
        Rung(
            factors=(FACTORS[at],),
            before="",
            after="",
            n=3,
            mae_before=maes[at],
            mae_after=maes[at + 1],
            mae_change=maes[at + 1] - maes[at],
            bias_change=changes[at],
        )
        for at in range(len(changes))
    )
    ends = {
        "mae_start": maes[0],
        "mae_end": maes[-1],
        "mae_change": maes[-1] - maes[0],
        "bias_change": sum(changes),
    }
    return Attribution(case="c", n=3, expected=3, start="", end="", rungs=rungs, bias_start=start, **ends)  # type: ignore[arg-type]


@given(st.floats(0, 1e4), CHANGES)
def test_what_is_shown_adds_up(start: float, changes: list[float]) -> None:
    for metric in ("mae", "bias"):
        found = shown(made(start, changes), metric)  # type: ignore[arg-type]
        values, steps = [Decimal(text) for text in found.values], [Decimal(text) for text in found.changes]
        assert [after - before for before, after in pairwise(values)] == steps
        assert sum(steps) == Decimal(found.total) == values[-1] - values[0]


@given(st.floats(0, 1e4), CHANGES)
def test_a_change_is_shown_within_one_of_its_last_digit(start: float, changes: list[float]) -> None:
    attribution = made(start, changes)
    found = shown(attribution)
    unit = 10.0**-found.decimals
    for rung, text in zip(attribution.rungs, found.changes, strict=True):
        assert abs(float(text) - rung.mae_change) <= unit * (1 + 1e-6) + 1e-9


def test_digits_follow_the_largest_change() -> None:
    assert shown(made(27.671, [-0.06, 5.644])).changes == ("-0.06", "+5.65")
    assert shown(made(27.671, [-0.06, 5.644])).values == ("27.67", "27.61", "33.26")
    assert shown(made(27.671, [0.00012, -0.0034])).changes == ("+0.00012", "-0.00340")
    assert shown(made(27.671, [1234.5])).total == "+1234.50"


def test_nothing_is_told_from_less_than_the_digits() -> None:
    found = shown(made(5.0, [0.0, 1e-9, 3.0, -3.0]))
    assert found.changes == ("0", "0.00", "+3.00", "-3.00")
    assert found.total == "0.00"
    assert shown(made(5.0, [0.0])).total == "0"
    assert shown(made(-0.5, [0.25]), "bias").values == ("-0.500", "-0.250")
