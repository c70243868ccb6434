import os
from pathlib import Path

import pytest

from cases import files


def test_a_file_is_read_whole_with_its_stat(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    content, status = files.read_regular(path, 3)
    assert (content, status.st_size, status.st_ino) == (b"abc", 3, path.stat().st_ino)


def test_what_is_no_file_is_refused_and_nothing_stays_open(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"abcd")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    with pytest.raises(files.OversizeError, match="at most"):
        files.read_regular(tmp_path / "large", 3)
    with pytest.raises(files.UnfitError, match="folder"):
        files.read_regular(tmp_path / "folder", 3)
    with pytest.raises(files.UnfitError, match="no regular file"):
        files.read_regular(tmp_path / "pipe", 3)
    assert before == 0 or len(os.listdir("/proc/self/fd")) == before


def test_a_file_that_never_rests_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    sizes = iter(range(100))
    monkeypatch.setattr(files, "_state", lambda status: (next(sizes), 0, 0))
    with pytest.raises(files.UnfitError, match="changes while it is read"):
        files.read_regular(path, 3)
