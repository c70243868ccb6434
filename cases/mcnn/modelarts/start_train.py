"""Training of MCNN as a ModelArts job: data from data_url, checkpoint, log and AIR to train_url. docs/modelarts.md walks through it.

Both may be folders of this machine (newer jobs map the bucket) or addresses such as obs://bucket/folder, which need moxing. The script may
lie here or at the top of the code folder, beside `cases/`.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036  # ModelArts' own MindSpore 1.3 image has 3.7, which can't import the rest
    sys.exit(
        "start_train: Python 3.11 is needed, here is " + sys.version.split()[0] + ": choose another image"
    )

for _folder in Path(__file__).resolve().parents:
    if (_folder / "cases" / "mcnn" / "train.py").is_file():
        sys.path.insert(0, str(_folder))
        break

from collections.abc import Sequence  # noqa: E402
from typing import Any  # noqa: E402

from cases.errors import OmgateError  # noqa: E402
from cases.mcnn.train import parser as training_parser  # noqa: E402
from cases.mcnn.train import run  # noqa: E402
from cases.mcnn.training.options import TrainOptions  # noqa: E402
from cases.mcnn.training.ranks import find_rank  # noqa: E402

CACHE = Path("/cache")
"""The fast disk of a ModelArts machine; elsewhere a temporary folder."""

SETS = ("train", "train_den", "val", "val_den")

PATH_OPTIONS = ("train_path", "train_gt_path", "val_path", "val_gt_path", "ckpt_path")


class CloudError(OmgateError):
    """Data that is not where it should be, or a bucket that can't be reached."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code. What a training that failed had written is brought to train_url, too."""
    given = vars(parser().parse_args(arguments))
    data_url, train_url = given.pop("data_url"), given.pop("train_url")
    try:
        work = _work_folder()
        data = find_sets(_fetched(data_url, work / "data"))
        output = Path(train_url) if not _is_remote(train_url) else work / "train_output"
        if _is_remote(train_url):
            file_api(train_url)  # before hours of training
            if given["resume"]:
                _fetched(train_url, output)
        paths = [str(data / name) for name in SETS] + [str(output)]
        folders: dict[str, Any] = dict(zip(PATH_OPTIONS, paths, strict=True))
        options = TrainOptions(**given, **folders)
        try:
            run(options)
        finally:
            if _is_remote(train_url) and output.is_dir() and find_rank().rank == 0:
                _copied(str(output), train_url)
    except OmgateError as error:
        print(f"start_train: {error}", file=sys.stderr)
        return 2
    print(f"start_train: the results are in {train_url}")
    return 0


def parser() -> argparse.ArgumentParser:
    """data_url, train_url, and the training's own options but the folders, which follow from the two."""
    made = argparse.ArgumentParser(
        prog="start_train.py", description="Trains MCNN as a ModelArts job.", allow_abbrev=False
    )
    made.add_argument("--data_url", required=True, help="the patches: a folder, or obs://BUCKET/FOLDER")
    made.add_argument(
        "--train_url", required=True, help="for checkpoint, log and AIR: a folder, or obs://BUCKET/FOLDER"
    )
    for action in training_parser()._actions:
        if action.dest not in (*PATH_OPTIONS, "help"):
            made._add_action(action)
    return made


def find_sets(data: Path) -> Path:
    """The folder with train, train_den, val and val_den: `data` itself, or the only one below it. Raises CloudError."""
    if not data.is_dir():
        raise CloudError(f"--data_url: no folder {data}")
    found = [
        one.parent
        for one in sorted(data.glob("**/train"))
        if all((one.parent / name).is_dir() for name in SETS)
    ]
    if len(found) != 1:
        seen = ", ".join(str(one.relative_to(data)) for one in found) or "none"
        raise CloudError(
            f"--data_url: folders with {', '.join(SETS)} in {data}: {seen}; expected one (omgate prepare makes it)"
        )
    return found[0]


def file_api(url: str) -> Any:
    """moxing's file API, which copies from and to a bucket. Raises CloudError where it is not here.

    Told by what it can do: a package of another kind has the same name.
    """
    try:
        moxing = importlib.import_module("moxing")
    except Exception as error:  # moxing logs in when it is imported, and fails in ways of its own
        raise CloudError(
            f"{url}: copying it needs moxing, which is not here ({error}); on ModelArts it is"
        ) from None
    found = getattr(moxing, "file", None)
    if not callable(getattr(found, "copy_parallel", None)):
        where = getattr(moxing, "__file__", "?")
        raise CloudError(
            f"{url}: the moxing here ({where}) is another package: it has no moxing.file.copy_parallel"
        )
    return found


def _is_remote(url: str) -> bool:
    return "://" in url


def _work_folder() -> Path:
    """A folder of this process's own: every rank of a machine fetches for itself."""
    parent = CACHE if CACHE.is_dir() else None
    try:
        return Path(tempfile.mkdtemp(prefix="mcnn-", dir=parent))
    except OSError as error:
        raise CloudError(f"{parent or tempfile.gettempdir()}: {error.strerror}") from None


def _fetched(url: str, folder: Path) -> Path:
    """The folder that a URL names, brought here where it is remote."""
    if not _is_remote(url):
        return Path(url)
    _copied(url, str(folder))
    return folder


def _copied(source: str, target: str) -> None:
    remote = source if _is_remote(source) else target
    try:
        file_api(remote).copy_parallel(src_url=source, dst_url=target)
    except OmgateError:
        raise
    except Exception as error:  # moxing's errors are its own
        raise CloudError(
            f"{source} could not be copied to {target}: {(str(error).strip().splitlines() or ['?'])[0]}"
        ) from None


if __name__ == "__main__":
    sys.exit(main())
