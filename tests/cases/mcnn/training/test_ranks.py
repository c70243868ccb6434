import json
from pathlib import Path

import pytest

from cases.mcnn.training.options import TrainingError
from cases.mcnn.training.ranks import Rank, find_rank


def table(path: Path, ranks: list[tuple[int, int]], servers: int = 1) -> str:
    """An HCCL rank table of (rank, device)s, in MindSpore's layout."""
    devices = [
        {"device_id": str(device), "device_ip": f"192.1.0.{rank}", "rank_id": str(rank)}
        for rank, device in ranks
    ]
    listed = [{"server_id": f"10.0.0.{n}", "device": devices[n::servers]} for n in range(servers)]
    path.write_text(json.dumps({"version": "1.0", "server_count": str(servers), "server_list": listed}))
    return str(path)


def test_nothing_set_is_one_device() -> None:
    assert find_rank({}) == Rank(0, 1, None)
    assert find_rank({"RANK_SIZE": "1"}) == Rank(0, 1, None)


def test_msrun_says_rank_and_size() -> None:
    environ = {"MS_ROLE": "MS_WORKER", "MS_WORKER_NUM": "8", "RANK_ID": "3"}
    assert find_rank(environ) == Rank(3, 8)
    assert find_rank(environ).parallel


def test_a_rank_table_says_size_and_device(tmp_path: Path) -> None:
    path = table(tmp_path / "hccl.json", [(0, 4), (1, 5), (2, 6), (3, 7)], servers=2)
    assert find_rank({"RANK_TABLE_FILE": path, "RANK_ID": "2", "RANK_SIZE": "4"}) == Rank(2, 4, 6)
    assert find_rank({"RANK_TABLE_FILE": table(tmp_path / "one.json", [(0, 1)])}) == Rank(0, 1, 1)


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({"RANK_SIZE": "8"}, "without RANK_TABLE_FILE"),
        ({"MS_ROLE": "MS_WORKER", "MS_WORKER_NUM": "2", "RANK_ID": "2"}, "RANK_ID=2, but there are 2 ranks"),
        ({"MS_ROLE": "MS_WORKER", "MS_WORKER_NUM": "two", "RANK_ID": "0"}, "MS_WORKER_NUM=two"),
        ({"RANK_TABLE_FILE": "TABLE"}, "RANK_ID is not set"),
        ({"RANK_TABLE_FILE": "TABLE", "RANK_ID": "0", "RANK_SIZE": "8"}, "RANK_SIZE=8, but"),
        ({"RANK_TABLE_FILE": "TABLE", "RANK_ID": "5"}, "RANK_ID=5"),
        ({"RANK_TABLE_FILE": "GAP", "RANK_ID": "0"}, "ranks [0, 2], expected 0 to 1"),
        ({"RANK_TABLE_FILE": "TEXT", "RANK_ID": "0"}, "not a rank table"),
        ({"RANK_TABLE_FILE": "NONE", "RANK_ID": "0"}, "can't be read"),
    ],
)
def test_half_of_what_is_needed_is_refused(tmp_path: Path, environ: dict[str, str], text: str) -> None:
    table(tmp_path / "TABLE", [(0, 0), (1, 1)])
    table(tmp_path / "GAP", [(0, 0), (2, 1)])
    (tmp_path / "TEXT").write_text('{"server_list": 3}')
    given = dict(environ)
    if "RANK_TABLE_FILE" in given:
        given["RANK_TABLE_FILE"] = str(tmp_path / given["RANK_TABLE_FILE"])
    with pytest.raises(TrainingError) as caught:
        find_rank(given)
    assert text in str(caught.value)
