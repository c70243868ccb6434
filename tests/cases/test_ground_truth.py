import os
import sqlite3
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cases import ground_truth, preprocess
from cases.ground_truth import TruthCache, TruthError, parse

SHAPE = (2, 3)


def problem(content: bytes, shape: tuple[int, int] = SHAPE) -> str:
    with pytest.raises(TruthError) as caught:
        parse(content, Path("IMG_1.csv"), shape)
    text = str(caught.value)
    assert text.isprintable()
    assert text.startswith("IMG_1.csv")
    return text


@pytest.mark.parametrize(
    "content",
    [
        b"1,2,3\n4,5,6\n",
        b"1,2,3\n4,5,6",
        b"1,2,3\r\n4,5,6\r\n",
        b"1,2,3\n4,5,6\n\n\r\n \n",
        b"\xef\xbb\xbf1,2,3\n4,5,6\n",
        b" 1, 2,3\n4 ,5,\t6\n",
        b"1,2,3\n4.,5e0,+6.0\n",
    ],
)
def test_what_writers_write_is_read(content: bytes) -> None:
    assert np.array_equal(parse(content, Path("a.csv"), SHAPE), [[1, 2, 3], [4, 5, 6]])


def test_integers_before_fractions_are_read() -> None:
    content = b"0,0,0\n" * 500 + b"0,0.25,1e-3\n"
    assert parse(content, Path("a.csv"), (501, 3)).sum() == pytest.approx(0.251, abs=1e-15)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty (0 bytes); expected a density map of 2 lines of 3 numbers"),
        (b" \n\r\n", "is empty (4 bytes)"),
        (b"1,2,3\n", "a map of 1 x 3 (lines x values), its image has 2 x 3"),
        (b"1,2\n3,4\n5,6\n", "it looks transposed"),
        (b"1,2,3\n4,5\n", ":2: 2 values, line 1 has 3"),
        (b"1,2,3\n4,5,6,7\n", ":2: 4 values, line 1 has 3"),
        (b"1,2,3\n\n4,5,6\n", ":2: 0 values, line 1 has 3"),
        (b"1,2,3,\n4,5,6,\n", "a map of 2 x 4"),
        (b"1,2,3\n4,nan,6\n", ":2: value 2 is 'nan'; allowed are finite numbers >= 0"),
        (b"1,2,3\n4,-inf,6\n", ":2: value 2 is '-inf'"),
        (b"1,2,3\n4,5,1e999\n", ":2: value 3 is '1e999'"),
        (b"1,2,3\n4,-0.5,6\n", ":2: value 2 is '-0.5'"),
        (b"1,2,3\n4,,6\n", ":2: value 2 is nothing"),
        (b"1,2,3\n4,0x10,6\n", ":2: value 2 is '0x10'"),
        (b'1,2,3\n4,"5",6\n', ":2: value 2 is '\"5\"'"),
        (b"1,2,3\n4,1_0,6\n", ":2: value 2 is '1_0'"),
        ("1,2,3\n4,人,6\n".encode(), ":2: value 2 is '\\u4eba'"),
        (b"1,2,3\n4,5\x00,6\n", ":2: value 2 is '5\\x00'"),
        (b"a,b,c\n1,2,3\n", ":1: value 1 is 'a'"),
        (b"<html>no such page</html>", ":1: value 1 is"),
        (b"1,2,3\r4,5,6\r", "a map of 1 x 5"),
        (b"1;2;3\n4;5;6\n", ":1: value 1 is '1;2;3'"),
    ],
)
def test_a_csv_that_is_no_density_map_is_named_with_the_place(content: bytes, said: str) -> None:
    assert said in problem(content)


def assert_one_line(error: Exception, start: str) -> None:
    assert str(error).isprintable()
    assert str(error).startswith(start)


FIELDS = st.sampled_from(
    ["0", "1", "0.5", "1e-3", " 2", "3 ", "-1", "-0", "nan", "inf", "", "1e999", '"1"', "x", "1_0", ".", "+.5", "1.", "e5", "0x1"]
)  # fmt: skip
LINES = st.lists(st.lists(FIELDS, min_size=1, max_size=4).map(",".join), max_size=4)
TEXTS = st.tuples(LINES, st.sampled_from(["\n", "\r\n", "\r"])).map(lambda parts: parts[1].join(parts[0]))


@given(st.binary(max_size=40) | TEXTS.map(str.encode))
@example(b"1,2,3\n4,5,6\n")
@settings(max_examples=150, deadline=None)
def test_any_bytes_give_a_map_or_one_line_and_the_fast_way_takes_what_the_strict_one_takes(
    content: bytes,
) -> None:
    try:
        values = parse(content, Path("IMG_1.csv"), SHAPE)
    except TruthError as error:
        assert_one_line(error, "IMG_1.csv")
        return
    body = content.rstrip(b" \t\r\n").removeprefix(b"\xef\xbb\xbf")
    assert np.array_equal(values, ground_truth._parse_strictly(body, Path("a"), SHAPE))
    assert values.shape == SHAPE


def test_a_sum_that_overflows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"1e308,1e308,1e308\n0,0,0\n")
    with pytest.raises(TruthError, match="sum is not finite"):
        ground_truth.read(tmp_path / "a.csv", SHAPE)


def test_odd_files_give_one_line(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    (tmp_path / "huge.csv").write_bytes(b"0" * 10_000)
    os.mkfifo(tmp_path / "pipe.csv")
    for name, said, code in (
        ("folder.csv", "is a folder", "bad-truth"),
        ("loop.csv", "symbolic links", "bad-truth"),
        ("huge.csv", "at most", "bad-truth"),
        ("pipe.csv", "no regular file", "bad-truth"),
        ("none.csv", "no such file", "missing-truth"),
    ):
        for read in (ground_truth.read, TruthCache(tmp_path / "cache").count):
            with pytest.raises(TruthError, match=said) as caught:
                read(tmp_path / name, SHAPE)
            assert caught.value.code == code
            assert str(caught.value).startswith(str(tmp_path / name))


def test_the_resampled_rule_is_the_published_evaluations(tmp_path: Path) -> None:
    density = np.random.default_rng(1).random((11, 18))
    np.savetxt(tmp_path / "a.csv", density, delimiter=",")
    truth = ground_truth.read(tmp_path / "a.csv", (11, 18), "resampled")
    expected = cv2.resize(density, (4, 2)) * (11 * 18 / (4 * 2))
    assert (truth.height, truth.width) == (2, 4)
    assert truth.count == pytest.approx(expected.sum(), rel=1e-12)
    geometry = preprocess.plan("native-4", 11, 18)
    count, grid = TruthCache(tmp_path).grid(tmp_path / "a.csv", (11, 18), geometry, 4, "resampled")
    assert count == truth.count
    np.testing.assert_allclose(grid, expected, rtol=1e-6)
    with pytest.raises(TruthError, match="allowed are raw-sum and resampled"):
        ground_truth.read(tmp_path / "a.csv", (11, 18), "halved")


# The cache


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "IMG 1 '人'.csv"
    path.write_bytes(b"1,2,3\n4,5,6\n")
    return path


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files count as long unchanged, as in a data set of last week."""
    monkeypatch.setattr(ground_truth, "RACY_NS", -(10**18))


def forbid_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, most_bytes: int) -> None:
        raise AssertionError(f"{path} was read")

    monkeypatch.setattr(ground_truth, "read_regular", fail)


@pytest.mark.usefixtures("settled")
def test_a_known_file_is_not_read_again(csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    geometry = preprocess.plan("pad-4", 2, 3)
    first = TruthCache(tmp_path / "cache")
    assert first.count(csv, SHAPE) == 21
    expected = first.grid(csv, SHAPE, geometry, 2)
    first.close()
    second = TruthCache(tmp_path / "cache")
    forbid_reading(monkeypatch)
    assert second.count(csv, SHAPE) == 21
    count, grid = second.grid(csv, SHAPE, geometry, 2)
    assert count == 21
    assert np.array_equal(grid, expected[1])
    assert grid.flags.writeable


@pytest.mark.usefixtures("settled")
def test_a_file_edited_in_place_with_its_size_and_mtime_kept_is_seen(csv: Path, tmp_path: Path) -> None:
    cache = TruthCache(tmp_path / "cache")
    assert cache.count(csv, SHAPE) == 21
    before = csv.stat()
    while csv.stat().st_ctime_ns == before.st_ctime_ns:  # until the file system's clock has ticked
        with csv.open("r+b") as stream:
            stream.write(b"9")
        os.utime(csv, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = csv.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (
        before.st_size,
        before.st_mtime_ns,
        before.st_ino,
    )
    assert cache.count(csv, SHAPE) == 29


def test_a_change_within_one_tick_of_the_clock_is_seen(
    csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = csv.stat()
    frozen = ground_truth._Signature(now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)
    monkeypatch.setattr(ground_truth._Signature, "of", lambda status: frozen)
    cache = TruthCache(tmp_path / "cache")
    assert cache.count(csv, SHAPE) == 21
    csv.write_bytes(b"9,2,3\n4,5,6\n")
    assert cache.count(csv, SHAPE) == 29
    # Were the entry believed, it would be served stale: the rule above is what sees the change.
    monkeypatch.setattr(ground_truth, "RACY_NS", -(10**18))
    assert cache.count(csv, SHAPE) == 29
    csv.write_bytes(b"8,2,3\n4,5,6\n")
    assert cache.count(csv, SHAPE) == 29


@pytest.mark.usefixtures("settled")
def test_a_known_content_is_checked_against_each_shape(csv: Path, tmp_path: Path) -> None:
    cache = TruthCache(tmp_path / "cache")
    assert cache.count(csv, SHAPE) == 21
    with pytest.raises(TruthError, match="transposed"):
        cache.count(csv, (3, 2))
    with pytest.raises(TruthError, match="its image has 4 x 3"):
        cache.grid(csv, (4, 3), preprocess.plan("pad-4", 4, 3), 2)


@pytest.mark.usefixtures("settled")
def test_a_deleted_file_is_missing_though_it_was_known(csv: Path, tmp_path: Path) -> None:
    cache = TruthCache(tmp_path / "cache")
    assert cache.count(csv, SHAPE) == 21
    csv.unlink()
    with pytest.raises(TruthError, match="no such file"):
        cache.count(csv, SHAPE)


@pytest.mark.usefixtures("settled")
def test_a_cache_that_is_rubbish_is_started_again(csv: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    file = folder / f"ground-truth-{ground_truth.CACHE_VERSION}.sqlite"
    file.write_bytes(b"rubbish" * 1000)
    cache = TruthCache(folder)
    assert cache.count(csv, SHAPE) == 21
    assert file.read_bytes().startswith(b"SQLite format 3")
    file.write_bytes(b"rubbish" * 10_000)  # while it is open
    assert cache.count(csv, SHAPE) == 21
    assert cache.count(csv, SHAPE) == 21
    assert TruthCache(folder).count(csv, SHAPE) == 21


@pytest.mark.usefixtures("settled")
def test_a_value_that_changed_in_the_cache_is_not_believed(csv: Path, tmp_path: Path) -> None:
    cache = TruthCache(tmp_path / "cache")
    cache.count(csv, SHAPE)
    database = sqlite3.connect(next((tmp_path / "cache").iterdir()))
    keys = [key for (key,) in database.execute("SELECT key FROM entries") if key.startswith(b"count")]
    (value,) = database.execute("SELECT value FROM entries WHERE key = ?", keys).fetchone()
    database.execute("UPDATE entries SET value = ? WHERE key = ?", (value[:-1] + b"\x41", keys[0]))
    database.commit()
    database.close()
    assert cache.count(csv, SHAPE) == 21


@pytest.mark.usefixtures("settled")
def test_a_folder_that_cannot_be_written_is_done_without(
    csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = TruthCache(tmp_path / "file" / "cache")
    assert cache.count(csv, SHAPE) == 21
    forbid_reading(monkeypatch)
    assert cache.count(csv, SHAPE) == 21  # from memory


@pytest.mark.usefixtures("settled")
def test_the_environment_names_the_folder_or_switches_it_off(
    csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMGATE_CACHE", str(tmp_path / "elsewhere"))
    assert TruthCache().count(csv, SHAPE) == 21
    assert len(list((tmp_path / "elsewhere").iterdir())) == 1
    monkeypatch.setenv("OMGATE_CACHE", "off")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    assert TruthCache().count(csv, SHAPE) == 21
    assert not (tmp_path / "user").exists()
    monkeypatch.delenv("OMGATE_CACHE")
    TruthCache()
    assert [path.name for path in (tmp_path / "user").iterdir()] == ["omgate"]


def test_memory_stays_within_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground_truth, "MEMORY_LIMIT_BYTES", 1000)
    store = ground_truth._Store(None)
    for number in range(50):
        store.put(str(number).encode(), bytes(100))
        store.put(str(number).encode(), bytes(100))
    assert store.get(b"0") is None
    assert store.get(b"49") == bytes(100)
    assert sum(map(len, store._memory.values())) == store._memory_bytes <= 1000


@pytest.mark.usefixtures("settled")
def test_many_threads_and_connections_agree(tmp_path: Path) -> None:
    paths = []
    for number in range(8):
        paths.append(tmp_path / f"{number}.csv")
        paths[-1].write_bytes(f"{number},0,0\n0,0,0\n".encode())
    wrong: list[object] = []

    def work(cache: TruthCache) -> None:
        try:
            for _ in range(5):
                wrong.extend(path for number, path in enumerate(paths) if cache.count(path, SHAPE) != number)
        except BaseException as error:
            wrong.append(error)

    shared = TruthCache(tmp_path / "cache")
    caches = [shared, shared, shared, TruthCache(tmp_path / "cache"), TruthCache(tmp_path / "cache")]
    threads = [threading.Thread(target=work, args=(cache,)) for cache in caches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
