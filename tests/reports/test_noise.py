from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from reports.noise import FILE, Noise, between_here, between_of, known, remember, within_of
from tests.reports.series import independent

NOISE = Noise(
    case="mcnn-synthetic",
    backend="ckpt",
    soc="cpu",
    region="infer",
    processor="Xeon",
    cores=8,
    within=0.05,
    between=0.01,
    blocks=12,
    samples=240,
    seconds=60.0,
    when="2026-11-23T00:00:00.000000Z",
)


def test_the_spread_from_block_to_block_is_found() -> None:
    generator = np.random.default_rng(0)
    noise = independent(generator, 0.02)
    found = []
    for _ in range(40):
        groups = [
            [noise(40) * level * np.exp(generator.normal(0, 0.03)) for _ in range(6)] for level in (1.0, 1.5)
        ]
        found.append(between_of(groups))
    assert np.mean([between for _, between in found]) == pytest.approx(0.03, rel=0.15)


def test_blocks_of_one_thing_have_hardly_any() -> None:
    noise = independent(np.random.default_rng(1), 0.02)
    found = [between_of([[noise(40) for _ in range(6)] for _ in range(2)])[1] for _ in range(40)]
    assert np.median(found) < 0.003


def test_the_spread_within_is_that_of_samples_with_such_a_median() -> None:
    """The median of n normal samples scatters by 1.2533 sigma / sqrt(n), and so reckoned `within` is 1.2533 sigma."""
    noise = independent(np.random.default_rng(2), 0.02)
    assert np.mean([within_of(noise(400)) for _ in range(60)]) == pytest.approx(1.2533 * 0.02, rel=0.25)


def test_few_blocks_say_nothing() -> None:
    with pytest.raises(ValueError, match="at least 4"):
        between_of([[[1.0, 2.0]], [[1.0, 2.0]]])


def test_more_samples_find_less_until_runs_themselves_differ() -> None:
    found = [NOISE.detectable(samples, 0.05) for samples in (50, 500, 10**9)]
    assert found == sorted(found, reverse=True)
    assert found[-1] == pytest.approx(np.expm1(2.8016 * 0.01 * np.sqrt(2)), rel=1e-3)


def test_it_is_kept_beside_the_runs_and_replaced(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    remember(runs, NOISE)
    remember(runs, msgspec.structs.replace(NOISE, between=0.02))
    remember(runs, msgspec.structs.replace(NOISE, backend="reference"))
    assert [(entry.backend, entry.between) for entry in known(runs)] == [("ckpt", 0.02), ("reference", 0.01)]
    assert between_here(runs, "mcnn-synthetic", "ckpt", "cpu", "infer", "Xeon", 8) == 0.02
    assert between_here(runs, "mcnn-synthetic", "ckpt", "cpu", "infer", "Xeon", 4) is None


def test_a_broken_file_is_none(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b'[{"case": ')
    assert known(tmp_path) == []
    assert between_here(tmp_path, "c", "b", "cpu", "infer", None, None) is None
