"""Which rank of how many this process is: from MindSpore's launcher (msrun), or from a rank table."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cases.mcnn.training.options import TrainingError


@dataclass(frozen=True)
class Rank:
    """This process's place in a data-parallel training; `device` is None where the launcher chooses it."""

    rank: int = 0
    size: int = 1
    device: int | None = None

    @property
    def parallel(self) -> bool:
        """True where gradients are averaged over several processes."""
        return self.size > 1


def find_rank(environ: Mapping[str, str] = os.environ) -> Rank:
    """This process's rank; 0 of 1 where nothing says otherwise. Raises TrainingError for half of what is needed.

    msrun exports MS_ROLE, MS_WORKER_NUM and RANK_ID (MindSpore 2.3 and later). With RANK_TABLE_FILE, RANK_ID says which of the
    table's devices is this one; RANK_SIZE, where it is set, must agree.
    """
    if environ.get("MS_ROLE") == "MS_WORKER":
        size = _number(environ, "MS_WORKER_NUM")
        rank = _number(environ, "RANK_ID" if "RANK_ID" in environ else "MS_NODE_ID")
        return _checked(Rank(rank, size), "MS_WORKER_NUM")
    table = environ.get("RANK_TABLE_FILE")
    if table:
        return _of_table(Path(table), environ)
    if environ.get("RANK_SIZE", "1") != "1":
        raise TrainingError(
            f"RANK_SIZE={environ['RANK_SIZE']} without RANK_TABLE_FILE: name the rank table, or start with"
            " msrun --worker_num=N"
        )
    return Rank()


def _of_table(path: Path, environ: Mapping[str, str]) -> Rank:
    """The rank in an HCCL rank table: `server_list[].device[]` with `device_id` and `rank_id` (MindSpore's distributed training guide)."""
    try:
        servers = json.loads(path.read_bytes())["server_list"]
        devices = {
            int(one["rank_id"]): int(one["device_id"]) for server in servers for one in server["device"]
        }
    except OSError as error:
        raise TrainingError(f"RANK_TABLE_FILE={path}: can't be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise TrainingError(
            f"RANK_TABLE_FILE={path}: not a rank table: expected server_list[].device[] with rank_id and device_id"
        ) from None
    size = len(devices)
    if sorted(devices) != list(range(size)) or not size:
        raise TrainingError(
            f"RANK_TABLE_FILE={path}: ranks {sorted(devices)}, expected 0 to {max(size - 1, 0)}"
        )
    if size > 1 and "RANK_ID" not in environ:
        raise TrainingError(f"RANK_ID is not set, and {path} has {size} ranks: each process needs its own")
    rank = _number(environ, "RANK_ID") if "RANK_ID" in environ else 0
    if environ.get("RANK_SIZE") and _number(environ, "RANK_SIZE") != size:
        raise TrainingError(f"RANK_SIZE={environ['RANK_SIZE']}, but {path} has {size} ranks")
    return _checked(Rank(rank, size, devices.get(rank)), str(path))


def _number(environ: Mapping[str, str], name: str) -> int:
    text = environ.get(name, "")
    if not (text.isascii() and text.isdigit()):
        raise TrainingError(f"{name}={text}: expected a whole number")
    return int(text)


def _checked(found: Rank, source: str) -> Rank:
    if not 0 <= found.rank < found.size:
        raise TrainingError(f"RANK_ID={found.rank}, but there are {found.size} ranks by {source}")
    return found
