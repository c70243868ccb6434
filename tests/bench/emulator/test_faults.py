"""The fault knobs: what a spec means, and that a wrong one is one clear error."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.emulator.faults import ALLOWED, DEVICE_VARIABLE, VARIABLE, FaultError, read_faults


def test_nothing_is_asked_for_by_default() -> None:
    assert read_faults({}).faults == ()
    assert read_faults({VARIABLE: "", DEVICE_VARIABLE: ""}).device_seconds is None


@pytest.mark.parametrize(
    ("text", "inference", "expected"),
    [
        ("slow=0.5", 7, {"slow": 0.5}),
        ("slow=0.5@3", 3, {"slow": 0.5}),
        ("slow=0.5@3", 4, {}),
        ("hang@2", 2, {"hang": 0}),
        ("error=1001@*", 9, {"error": 1001}),
        ("error=-1@1", 1, {"error": -1}),
        ("empty@1, nan@1,shape@2", 1, {"empty": 0, "nan": 0}),
        ("crash@*", 1, {"crash": 0}),
    ],
)
def test_a_fault_strikes_the_inference_it_names(
    text: str, inference: int, expected: dict[str, float]
) -> None:
    assert read_faults({VARIABLE: text}).at(inference) == expected


def test_a_missing_device_and_a_simulated_one() -> None:
    assert read_faults({VARIABLE: "device-missing"}).device_missing
    assert not read_faults({VARIABLE: "nan@1"}).device_missing
    assert read_faults({DEVICE_VARIABLE: "0.010"}).device_seconds == 0.01


@pytest.mark.parametrize(
    "text",
    ["hang", "hang@0", "hang@-1", "hang=1@1", "error@1", "error=0@1", "error=x@1", "slow@1", "slow=-1", "slow=inf", "slow=nan@1",
     "nan@1,", "device-missing@1", "boom@1", "nan@1;hang@2", "NAN@1", "slow=1@", "nan@１"],
)  # fmt: skip
def test_a_wrong_spec_lists_what_is_allowed(text: str) -> None:
    with pytest.raises(FaultError) as caught:
        read_faults({VARIABLE: text})
    assert VARIABLE in str(caught.value)
    assert ALLOWED in str(caught.value)


@pytest.mark.parametrize("text", ["fast", "-1", "nan", "1e9"])
def test_a_wrong_device_is_named(text: str) -> None:
    with pytest.raises(FaultError, match=DEVICE_VARIABLE):
        read_faults({DEVICE_VARIABLE: text})


@given(st.text(max_size=30))
def test_any_text_is_understood_or_refused(text: str) -> None:
    with contextlib.suppress(FaultError):
        assert set(read_faults({VARIABLE: text}).at(1)) <= {
            "slow",
            "hang",
            "error",
            "empty",
            "nan",
            "shape",
            "crash",
        }
