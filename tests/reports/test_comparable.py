from __future__ import annotations

import msgspec
import pytest

from reports.performance import Conditions, comparable

HOST = {"host": {"processor": "Xeon", "cores": 8}, "cann": {"version": "8.0"}}


def conditions(**changes: object) -> Conditions:
    fields: dict[str, object] = {
        "backend": "ckpt",
        "soc": "cpu",
        "region": "infer",
        "scenario": "single-stream",
        "depth": 1,
    }
    return msgspec.structs.replace(Conditions.of(HOST, **fields), **changes)


def test_the_same_conditions_may_be_compared() -> None:
    assert comparable(conditions(), conditions(), "r1") is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"backend": "reference"}, "backend reference, the baseline's ckpt"),
        ({"region": "e2e"}, "region e2e"),
        ({"soc": "Ascend310"}, "SoC Ascend310"),
        ({"devices": 2}, "devices 2"),
        ({"scenario": "pipelined"}, "scenario pipelined"),
        ({"depth": 4}, "images in flight 4, the baseline's 1"),
        ({"processor": "Arm"}, "processor Arm, the baseline's Xeon"),
        ({"cores": None}, "cores unknown"),
    ],
)
def test_another_condition_is_named_with_the_way_out(change: dict[str, object], told: str) -> None:
    reason = comparable(conditions(), conditions(**change), "r1")
    assert reason is not None
    assert reason.code == "fingerprint-differs"
    assert told in reason.message
    assert "omgate baseline promote r1 --reason TEXT" in reason.advice


def test_a_device_does_not_care_for_the_processor() -> None:
    old = conditions(soc="Ascend310")
    assert comparable(old, conditions(soc="Ascend310", processor="Arm", cores=4), "r1") is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"soc": "emulated"}, "emulated-vs-device"),
        ({"case_digest": "c2"}, "case-differs"),
        ({"data_digest": "d2"}, "data-differs"),
    ],
)
def test_what_makes_it_another_measurement_has_its_own_code(change: dict[str, object], code: str) -> None:
    reason = comparable(
        conditions(case_digest="c1", data_digest="d1"),
        conditions(**{"case_digest": "c1", "data_digest": "d1", **change}),
        "r1",
    )
    assert reason is not None
    assert reason.code == code
