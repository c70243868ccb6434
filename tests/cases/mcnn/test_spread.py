"""The committed model among trainings with other seeds: what its README says of them is what their logs hold."""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from reports.baseline import Baseline, read

CASE = Path(__file__).parents[3] / "cases" / "mcnn"
MODEL = CASE / "model"
SPREAD = MODEL / "spread"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


TRAININGS = lines(SPREAD / "spread.jsonl")
README = (MODEL / "README.md").read_text(encoding="utf-8")


def committed() -> Baseline:
    return read(CASE / "baselines" / "mcnn-synthetic" / "ckpt-cpu-fp32.json")


def test_five_trainings_or_more_with_seeds_of_their_own() -> None:
    seeds = [seed for training in TRAININGS for seed in training["seeds"]]
    assert len(TRAININGS) >= 5
    assert len({*seeds, 64678, 2}) == len(seeds) + 2


@pytest.mark.parametrize("training", TRAININGS, ids=lambda training: str(training["seeds"][0]))
def test_each_is_the_documented_training_on_the_same_data(training: dict[str, Any]) -> None:
    for part, own, seed in zip(
        ("first", "second"), ("first", "mcnn-synthetic"), training["seeds"], strict=True
    ):
        log = lines(SPREAD / f"{training['seeds'][0]}.{part}.train.jsonl")
        documented = lines(MODEL / f"{own}.train.jsonl")[0]
        assert log[0]["options"].pop("seed") == seed
        assert {**log[0]["options"], "start": None} == {
            **{k: v for k, v in documented["options"].items() if k != "seed"},
            "start": None,
        }
        assert log[0]["seeds"] == documented["seeds"]
        assert log[-1]["finished"]
    assert log[-1]["checkpoint_sha256"] == training["checkpoint_sha256"]
    assert log[-1]["best_validation_mae"] == training["best_validation_mae"]
    assert (training["data"], training["n"]) == (committed().digests.data, 24)
    assert f"| {training['seeds'][0]}, {training['seeds'][1]} | {training['mae']:.2f} |" in README


def test_the_readme_says_where_the_committed_model_lies_among_them() -> None:
    """The interval is for one more training by the same commands: normal, mean and standard deviation from these."""
    errors = [training["mae"] for training in TRAININGS]
    n, mean, deviation = len(errors), statistics.mean(errors), statistics.stdev(errors)
    half = float(stats.t.ppf(0.975, n - 1)) * deviation * math.sqrt(1 + 1 / n)
    own = committed().summary.mae
    assert mean - half <= own <= mean + half
    assert (own < min(errors)) == ("is below all of them" in README)
    for said in (
        f"{min(errors):.2f} to {max(errors):.2f}",
        f"mean {mean:.2f}, standard deviation {deviation:.2f}",
        f"{max(0.0, mean - half):.1f} to {mean + half:.1f}",
        f"{own:.2f}",
    ):
        assert said in README
