"""`omgate selftest`: blocks in turns by a device of scripted seconds, and the command on the tiny deliverable."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import numpy as np
import pytest

from bench.backends.base import worker_text
from bench.cli import main
from bench.commands import common
from bench.gateway import WorkerSpec
from bench.selftest import WARM_UP, Blocks, SelfTest, SelfTestError, Side, judge, measure
from reports.noise import known
from reports.verdict import Status
from tests.bench.tiny import house, write_model

IMAGES = [np.zeros((1, 1, 8, 8), np.uint8)]


def side(
    name: str, seconds: list[float] | float = 0.01, journal: Path | None = None, **config: object
) -> Side:
    """A side on the scripted device, which says that it is the reference."""
    given = {"seconds": seconds, **config, **({"journal": str(journal)} if journal else {})}
    return Side(name, None, WorkerSpec("reference", worker_text("simulated"), given))  # type: ignore[arg-type]


def made(slower: float, between: float = 0.003, pairs: int = 6, seed: int = 0) -> Blocks:
    """Blocks as a device would give them: 2 % of noise, `between` from start to start, B `slower` than A."""
    generator = np.random.default_rng(seed)

    def block(level: float) -> tuple[float, ...]:
        return tuple(0.01 * level * np.exp(generator.normal(0, between) + generator.normal(0, 0.02, 20)))

    return Blocks([block(1.0) for _ in range(pairs)], [block(slower) for _ in range(pairs)], "cpu", 9.0)


def judged(blocks: Blocks, same: bool = True) -> SelfTest:
    return judge(blocks, "demo", "reference", ("a.onnx", "a.onnx" if same else "b.onnx"), same)


def test_the_sides_take_turns_and_each_block_is_a_worker_of_its_own(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    found = measure((side("A", 0.01, journal), side("B", 0.02, journal)), IMAGES, samples=2, pairs=4)
    assert [set(block) for block in found.a] == [{0.01}] * 4
    assert [set(block) for block in found.b] == [{0.02}] * 4
    assert {len(block) for block in (*found.a, *found.b)} == {2}
    assert found.soc == "cpu"
    steps = journal.read_text().splitlines()
    assert steps.count("open") == steps.count("close") == 8
    assert steps[:4] == ["open", "warm-up", "submit 0", "collect 0"]
    assert steps.count(f"submit {WARM_UP + 1}") == 8


def test_warm_up_is_left_out() -> None:
    slow_at_first = [0.5] * WARM_UP + [0.01, 0.011]
    found = measure((side("A", slow_at_first), side("B", slow_at_first)), IMAGES, samples=2, pairs=4)
    assert set(found.a) == {(0.01, 0.011)}


def test_time_over_ends_it_but_not_below_four_pairs() -> None:
    ticks: list[tuple[int, int]] = []
    measure((side("A"), side("B")), IMAGES, 1, pairs=50, seconds=0.0, tick=lambda *at: ticks.append(at))
    assert ticks == [(1, 50), (2, 50), (3, 50), (4, 50)]


def test_a_worker_that_fails_ends_it_by_name() -> None:
    with pytest.raises(SelfTestError, match="B: reference raised RuntimeError"):
        measure((side("A"), side("B", faults=[{"kind": "raise", "at": 1}])), IMAGES, samples=2)
    started = time.monotonic()
    with pytest.raises(SelfTestError, match="A: reference"):
        measure((side("A", faults=[{"kind": "SIGKILL", "at": 1}]), side("B")), IMAGES, samples=2)
    assert time.monotonic() - started < 60


def test_the_same_thing_passes_and_the_noise_is_told() -> None:
    result = judged(made(1.0, pairs=10))
    assert result.verdict.status is Status.PASS
    assert result.noise.within == pytest.approx(0.025, rel=0.4)
    assert result.noise.between < 0.01
    found = [entry.slow_down for entry in result.detectable]
    assert found == sorted(found, reverse=True)


def test_an_a_a_that_differs_either_way_is_an_alarm() -> None:
    assert judged(made(1.1)).verdict.status is Status.REGRESSED
    assert judged(made(0.9)).verdict.status is Status.REGRESSED


def test_an_a_b_says_which_is_slower() -> None:
    assert judged(made(1.1), same=False).verdict.status is Status.REGRESSED
    assert judged(made(0.9), same=False).verdict.status is Status.IMPROVED
    assert judged(made(1.01), same=False).verdict.status in (Status.PASS, Status.CANNOT_TELL)


def test_starts_that_differ_widely_can_t_tell() -> None:
    result = judged(made(1.0, between=0.2))
    assert result.verdict.status is Status.CANNOT_TELL
    assert result.noise.between > 0.1


@pytest.fixture
def cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = house(tmp_path, images=2)
    monkeypatch.setattr(common, "CASES", found)
    monkeypatch.setenv("OMGATE_CACHE", str(tmp_path / "cache"))
    return found


def ask(*words: object) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main(["selftest", "--case", "tiny-blobs", *map(str, words)], out, err)
    return code, out.getvalue(), err.getvalue()


CODES = {"pass": 0, "improved": 0, "drift": 0, "regressed": 1, "cannot-tell": 3}


def test_the_command_measures_prints_and_keeps_what_it_found(cases: Path, tmp_path: Path) -> None:
    code, out, err = ask("--samples", 5, "--minutes", 0, "--run-dir", tmp_path / "runs")
    assert err == ""
    assert out.startswith("tiny-blobs on reference (cpu), A/A tiny.onnx: 8 blocks of 5 images")
    status = out.split("verdict: ")[1].split("\n")[0].split(":")[0]
    assert code == CODES[status]
    (noise,) = known(tmp_path / "runs")
    assert (noise.case, noise.backend, noise.blocks, noise.samples) == ("tiny-blobs", "reference", 8, 40)


def test_two_models_are_compared_and_json_has_the_whole(cases: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.onnx"
    write_model(other, 2.0)
    code, out, _ = ask(
        "--against", other, "--samples", 4, "--minutes", 0, "--run-dir", tmp_path / "runs", "--json"
    )
    found = json.loads(out)
    assert code == CODES[found["verdict"]["status"]]
    assert found["same"] is False
    assert found["models"] == ["tiny.onnx", "other.onnx"]
    assert [len(medians) for medians in found["block_medians"]] == [4, 4]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--backend", "om-sdk"], "--backend om-sdk: tiny-blobs has reference, ckpt"),
        (["--against", "nowhere.onnx"], "nowhere.onnx: no such model file (--against)"),
        (["--case", "other"], "--case other: no such case; there are tiny-blobs"),
    ],
)
def test_what_can_t_be_done_is_said(cases: Path, words: list[str], told: str) -> None:
    code, out, err = ask(*words)
    assert (code, out) == (2, "")
    assert told in err
