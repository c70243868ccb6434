"""The test set, the model and the emulated home that the deliverable's tests run on."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.emulator.build import CannotBuild, build
from bench.emulator.home import VARIABLE, make_home, variables
from tests.cases.mcnn.infer.deliverable import SIZES, TestSet, make_om


@pytest.fixture
def test_set(tmp_path: Path) -> TestSet:
    made = TestSet(tmp_path / "a test set", {}, {})
    made.images.mkdir(parents=True)
    made.labels.mkdir()
    random = np.random.default_rng(1)
    for number, (name, size) in enumerate(SIZES.items(), 1):
        # Multiples of 16: their means are whole numbers below 256, which FP16 holds exactly.
        made.add(name, (random.integers(0, 16, size) * 16).astype(np.uint8), 10.0 * number)
    return made


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(tmp_path_factory.mktemp("sdk") / "home"))
        return make_home()


@pytest.fixture
def environ(home: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of a shell that has sourced the home's set_env.sh."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("OMGATE_", "MX_SDK"))}
    changed = {
        **plain,
        **variables(home, plain),
        "HOME": str(tmp_path),
        "PYTHON": sys.executable,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return {name: value for name, value in changed.items() if not name.startswith("MXBASE_")}


@pytest.fixture(scope="session")
def om(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_om(tmp_path_factory.mktemp("om"))


@pytest.fixture(scope="session")
def mcnn(home: Path) -> Path:
    """The C++ program, built into the home."""
    try:
        build(home, lambda text: None)
    except CannotBuild as error:
        if "apt-get" in str(error):
            pytest.skip(str(error))
        raise
    return home / "bin" / "Mcnn"
