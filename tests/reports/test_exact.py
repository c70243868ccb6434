from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from reports.exact import ExactStore

MAP = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4) / 3


def test_a_map_comes_back_bit_for_bit_and_for_another_process_too(tmp_path: Path) -> None:
    assert ExactStore(tmp_path / "exact").save("c", "b", "IMG_1", MAP)
    found = ExactStore(tmp_path / "exact").load("c", "b", "IMG_1")
    assert found is not None
    assert np.array_equal(found.view(np.uint32), MAP.view(np.uint32))
    assert ExactStore(tmp_path / "exact").load("c", "other", "IMG_1") is None


def test_names_stay_inside_the_folder_and_apart(tmp_path: Path) -> None:
    store = ExactStore(tmp_path / "exact")
    for image in ("../../IMG", "IMG", "img", "a/b", "人"):
        assert store.save("../c", "b\0b", image, MAP)
    files = list((tmp_path / "exact").rglob("*.npy"))
    assert len(files) == 5
    assert [path.name for path in tmp_path.iterdir()] == ["exact"]


def test_a_broken_file_is_no_map(tmp_path: Path) -> None:
    store = ExactStore(tmp_path / "exact")
    store.save("c", "b", "IMG_1", MAP)
    path = store.path("c", "b", "IMG_1")
    for content in (b"", path.read_bytes()[:-5], b"PK junk"):
        path.write_bytes(content)
        assert store.load("c", "b", "IMG_1") is None


def test_what_cannot_be_written_ends_the_keeping_and_frees_the_room(tmp_path: Path) -> None:
    store = ExactStore(tmp_path / "exact")
    store.save("c", "b", "IMG_1", MAP)
    # A folder in the file's place: what a full disk does, for any user.
    blocked = store.path("c", "b", "IMG_2")
    (blocked / "x").mkdir(parents=True)
    assert not store.save("c", "b", "IMG_2", MAP)
    assert str(blocked) in store.problem
    assert not store.exists
    assert not store.save("c", "b", "IMG_3", MAP)
    assert not store.exists


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_is_no_crash(tmp_path: Path) -> None:
    store = ExactStore(tmp_path / "exact")
    path = store.path("c", "b", "IMG_1")
    path.parent.mkdir(parents=True)
    path.with_name(f".{path.name}.{os.getpid()}.part").symlink_to("/dev/full")
    assert not store.save("c", "b", "IMG_1", MAP)
    assert "No space left" in store.problem


def test_removing_twice_is_fine(tmp_path: Path) -> None:
    store = ExactStore(tmp_path / "exact")
    store.save("c", "b", "IMG_1", MAP)
    store.remove()
    store.remove()
    assert not store.exists
