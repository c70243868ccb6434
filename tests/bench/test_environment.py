"""The fingerprint and its axes: what is recorded, what is compared."""

from pathlib import Path

import msgspec

from bench.environment import Environment, fingerprint, parse_processor
from tests.bench.machines import put, seen


def test_an_empty_machine_is_all_none_and_no_error(machine: Path) -> None:
    found = seen(machine)
    assert found.soc == "cpu"
    assert (found.driver, found.firmware, found.cann, found.sdk, found.container) == (None,) * 5
    assert found.devices == ()
    assert found.variables == {}
    assert found.axes()["cann"] is None


def test_this_machine_round_trips_through_json() -> None:
    found = fingerprint()
    assert msgspec.json.decode(msgspec.json.encode(found), type=Environment) == found
    assert found.as_dict()["host"]["cores"] >= 1
    assert found.packages["msgspec"]


def test_what_changes_by_itself_is_no_axis() -> None:
    one, two = fingerprint(), fingerprint()
    assert one.axes() == two.axes()
    changed = msgspec.structs.replace(one, volatile=msgspec.structs.replace(one.volatile, pid=-1, load=99.0))
    assert changed.axes() == one.axes()


def test_processor_key_names_model_and_cores(machine: Path) -> None:
    put(
        machine,
        "/proc/cpuinfo",
        "processor : 0\ncpu family : 25\nmodel : 1\nmodel name : EPYC  7003\nstepping : 2\n\n",
    )
    found = seen(machine)
    assert found.processor_key() == f"EPYC 7003 (25/1/2), {found.host.cores} cores"
    unknown = msgspec.structs.replace(found, host=msgspec.structs.replace(found.host, processor=None))
    assert unknown.processor_key() is None


def test_a_container_quota_limits_the_cores(machine: Path) -> None:
    put(machine, "/sys/fs/cgroup/cpu.max", "100000 100000\n")
    assert seen(machine).host.cores == 1


def test_processor_of_an_arm_server() -> None:
    text = "processor\t: 0\nCPU implementer\t: 0x48\nCPU part\t: 0xd01\n"
    assert parse_processor(text) == "Arm implementer 0x48 part 0xd01"
    assert parse_processor("") is None


def test_only_variables_that_change_results_are_recorded(machine: Path) -> None:
    found = seen(machine, ASCEND_RT_VISIBLE_DEVICES="3", OMP_NUM_THREADS="2", SECRET_TOKEN="x")
    assert found.variables == {"ASCEND_RT_VISIBLE_DEVICES": "3", "OMP_NUM_THREADS": "2"}


def test_container(machine: Path) -> None:
    put(machine, "/.dockerenv", "")
    container = seen(machine, OMGATE_IMAGE="infer:21.0.4").container
    assert container is not None
    assert (container.kind, container.image) == ("docker", "infer:21.0.4")


def test_podman_names_its_image(machine: Path) -> None:
    put(machine, "/run/.containerenv", 'engine="podman-4.9"\nimage="registry/sdk:7.1"\n')
    assert seen(machine).axes()["container"] == "registry/sdk:7.1"
