"""MindSpore checkpoints, strictly: loading names every difference (MindSpore only warns), saving leaves a whole file or none."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cases.errors import OmgateError
from cases.wording import shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAMED = 6
"""So many differing parameters are named; the others are counted."""


def load_strictly(network: Any, path: Path) -> None:
    """Loads a checkpoint into a MindSpore network; raises OmgateError naming parameters that are missing, unknown or of another shape."""
    import mindspore as ms

    found = read(path)
    refuse_differing(
        {parameter.name: tuple(parameter.shape) for parameter in network.get_parameters()}, found, path
    )
    ms.load_param_into_net(network, found, strict_load=True)


def read(path: Path) -> dict[str, Any]:
    """A checkpoint's parameters by name. Raises OmgateError for anything that MindSpore can't read."""
    import mindspore as ms

    try:
        return dict(ms.load_checkpoint(str(path)))
    except Exception as error:  # MindSpore raises ValueError, RuntimeError and its own for a torn file
        raise OmgateError(
            f"{shown(path)}: not a readable MindSpore checkpoint ({str(error).splitlines()[0]})"
        ) from None


def refuse_differing(wanted: Mapping[str, tuple[int, ...]], found: Mapping[str, Any], path: Path) -> None:
    """Raises OmgateError where names or shapes are not the wanted ones."""
    differing = [f"missing {name}" for name in sorted(wanted.keys() - found.keys())]
    differing += [f"unknown {name}" for name in sorted(found.keys() - wanted.keys())]
    differing += [
        f"{name} is {tuple(found[name].shape)}, not {wanted[name]}"
        for name in sorted(wanted.keys() & found.keys())
        if tuple(found[name].shape) != wanted[name]
    ]
    if differing:
        more = f"; and {len(differing) - NAMED} more" if len(differing) > NAMED else ""
        raise OmgateError(
            f"{shown(path)}: not a checkpoint of this network: {'; '.join(differing[:NAMED])}{more}"
        )


def save_whole(weights: Mapping[str, NDArray[np.generic]], path: Path, note: str | None = None) -> None:
    """Writes a MindSpore checkpoint, whole or not at all; `note` is kept in it as the parameter `omgate`. Raises OmgateError."""
    import mindspore as ms

    temporary: Path | None = None
    try:
        # MindSpore tells of a full disk in a page of log lines: asked for the room first, the system tells it in one word.
        temporary = _room(path.parent, 4096 + sum(values.nbytes + 256 for values in weights.values()))
        ms.save_checkpoint(
            [{"name": name, "data": ms.Tensor(values)} for name, values in weights.items()],
            str(temporary),
            append_dict={"omgate": note} if note is not None else None,
        )
        temporary.chmod(0o644)  # MindSpore writes for the owner's eyes only
        os.replace(temporary, path)
    except OSError as error:
        raise OmgateError(f"{shown(path)}: can't be written: {error.strerror or error}") from None
    except RuntimeError as error:  # MindSpore's word for some of the same
        raise OmgateError(f"{shown(path)}: can't be written: {str(error).splitlines()[0]}") from None
    finally:
        if temporary is not None:
            for left in (temporary, temporary.with_suffix(".tmp")):  # MindSpore's own unfinished file
                with contextlib.suppress(OSError):
                    left.unlink()


def sha256_of(path: Path) -> str | None:
    """The SHA-256 of a file, None where it can't be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def _room(folder: Path, size_bytes: int) -> Path:
    """A name for a temporary checkpoint in a folder that has room for it. Raises OSError."""
    handle, name = tempfile.mkstemp(prefix=".writing-", suffix=".ckpt", dir=folder)
    try:
        os.posix_fallocate(handle, 0, size_bytes)
    except BaseException:
        os.unlink(name)
        raise
    finally:
        os.close(handle)
    os.unlink(name)
    return Path(name)
