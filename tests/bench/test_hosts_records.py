"""What a record with other hosts means to those who read it: each backend's environment is that of its host."""

from __future__ import annotations

from typing import Any

from reports.comparable import Conditions, comparable
from reports.diff.environment import changes, moved_axes
from reports.fingerprint import environment_of, same_numerics
from reports.run import BackendEntry, Run

HERE: dict[str, Any] = {
    "host": {"name": "laptop", "processor": "x86", "cores": 4},
    "soc": "cpu",
    "packages": {"simplejpeg": "1.9.0", "onnxruntime": "1.20"},
}


def far(cann: str, processor: str = "Kunpeng") -> dict[str, Any]:
    return {
        "host": {"name": "atlas310", "processor": processor, "cores": 8},
        "soc": "Ascend310",
        "cann": {"kind": "toolkit", "version": cann},
        "packages": {"simplejpeg": "0.0.1", "numpy": "1.21"},
    }


def with_host(environment: dict[str, Any]) -> dict[str, Any]:
    return {**HERE, "hosts": [{"name": "atlas310", "backends": ["om-sdk"], "environment": environment}]}


def run(environment: dict[str, Any], identifier: str = "r") -> Run:
    backends = tuple(
        BackendEntry(case="c", name=name, soc=soc, precision="fp16")
        for name, soc in (("om-sdk", "Ascend310"), ("reference", "cpu"))
    )
    return Run(schema=1, id=identifier, label="", started="", environment=environment, backends=backends)


def test_a_backend_ran_where_its_host_is_with_the_decoders_of_here() -> None:
    found = environment_of(with_host(far("8.0")), "om-sdk")
    assert found["host"]["name"] == "atlas310"
    assert found["packages"] == {"numpy": "1.21", "simplejpeg": "1.9.0"}
    assert environment_of(with_host(far("8.0")), "reference")["host"]["name"] == "laptop"
    assert environment_of(HERE, "om-sdk") == HERE


def test_another_cann_over_there_is_what_moved_on_that_backend_alone() -> None:
    old, new = run(with_host(far("8.0"))), run(with_host(far("8.5")))
    assert moved_axes(old, new, "c", "om-sdk") == {"cann": ("toolkit 8.0", "toolkit 8.5")}
    assert moved_axes(old, new, "c", "reference") == {}
    (change,) = changes(old, new)
    assert (change.axis, change.old, change.new, change.decides) == (
        "cann",
        "toolkit 8.0",
        "toolkit 8.5",
        True,
    )
    assert change.where == "on the host of om-sdk"


def test_a_run_on_that_machine_itself_is_the_same_but_for_its_decoders() -> None:
    there = {**far("8.0"), "packages": {"simplejpeg": "1.9.0", "numpy": "1.21"}}
    assert moved_axes(run(with_host(there)), run(there), "c", "om-sdk") == {}
    assert same_numerics(environment_of(with_host(there), "om-sdk"), there)
    assert not same_numerics(environment_of(with_host(far("8.0", "other")), "om-sdk"), there)


def test_a_rate_through_ssh_is_none_of_the_device_and_a_latency_is() -> None:
    def conditions(environment: dict[str, Any], region: str) -> Conditions:
        return Conditions.of(environment, backend="om-sdk", soc="Ascend310", region=region, scenario="s")

    through, direct = with_host(far("8.0")), far("8.0")
    assert comparable(conditions(direct, "infer"), conditions(through, "infer"), "r") is None
    differs = comparable(conditions(direct, "answers"), conditions(through, "answers"), "r")
    assert differs is not None
    assert "region answers, through ssh, the baseline's answers" in differs.message
    promoted = dict(environment_of(through, "om-sdk"))
    assert comparable(conditions(promoted, "answers"), conditions(through, "answers"), "r") is None
