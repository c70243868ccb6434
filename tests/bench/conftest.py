from pathlib import Path

import pytest


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """An empty machine: a root folder and, in it, root's home."""
    (tmp_path / "home").mkdir()
    return tmp_path
