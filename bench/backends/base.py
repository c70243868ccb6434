"""What a backend's host half is: whether it can run here, what its worker is and what that needs to know."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bench.gateway import WorkerSpec

if TYPE_CHECKING:
    from cases.case import Case

WORKERS = Path(__file__).parent.parent / "workers"
SDK_LOG = "omgate_sdk_log"


@dataclass(frozen=True)
class Options:
    """What a user chose for all backends; None means the case's or the runtime's own default.

    device: "cpu", or an Ascend device's number ("0"); threads: of the runtime, on the CPU.
    """

    ckpt: Path | None = None
    onnx: Path | None = None
    om: Path | None = None
    device: str | None = None
    threads: int | None = None


@dataclass(frozen=True)
class Availability:
    """Whether a backend can run a case here; if not, why, and what to do."""

    ok: bool
    reason: str = ""
    way_out: str = ""

    def __str__(self) -> str:
        return "available" if self.ok else f"{self.reason}: {self.way_out}"


class Backend(Protocol):
    """The host's half of a backend. Nothing here imports the framework."""

    name: str
    precision: str
    depth: int | None
    """Images in flight; None: the usual number."""

    def available(self, case: Case, options: Options) -> Availability:
        """Whether this backend can run the case here; found out without importing a framework."""

    def prepare(self, case: Case) -> None:
        """Make what can be made before the first image (an emulated OM file of the case's ONNX). Raises OmgateError."""

    def model_file(self, case: Case, options: Options) -> Path | None:
        """Return the model's file: the option's, else the case's, else None."""

    def worker_source(self, case: Case) -> str:
        """Return the text of the runtime module that the worker runs."""

    def worker_config(self, case: Case, options: Options) -> dict[str, Any]:
        """Return what the worker's `open` gets."""

    def python(self) -> str | None:
        """Return the interpreter of the worker; None: this one."""

    def environ(self) -> dict[str, str]:
        """Return the environment variables that the worker gets on top of this process's."""

    def device(self, options: Options) -> str | None:
        """Return the name of the device to lock, None for one that may be shared."""

    def soc(self, info: Mapping[str, Any]) -> str:
        """Return "cpu", "Ascend910", ... from what the worker said when it opened."""


def worker(backend: Backend, case: Case, options: Options, log: Path | None = None) -> WorkerSpec:
    """Return how to start this backend's worker for a case; `log` is its log file in the run's folder."""
    spec = WorkerSpec(
        name=backend.name,
        source=backend.worker_source(case),
        config=backend.worker_config(case, options),
        python=backend.python(),
        environ=backend.environ(),
        depth=backend.depth,
        log=log,
        device=backend.device(options),
        open_seconds=case.limits.open_seconds,
        image_seconds=case.limits.image_seconds,
    )
    from bench import hosts

    if hosts.use_of(backend.name) is None:
        return spec
    from bench.backends.remote import Remote

    if not isinstance(backend, Remote):
        return spec
    return replace(spec, far=backend.far(options), digest=backend.digest(case, options))


def model_digest(backend: Backend, case: Case, options: Options) -> str | None:
    """Return the digest of the model that runs, computed where it lies; None where no file is named."""
    from bench import hosts

    if hosts.use_of(backend.name) is not None:
        from bench.backends.remote import Remote

        if isinstance(backend, Remote):
            return backend.digest(case, options)
    file = backend.model_file(case, options)
    return None if file is None else sha256(file)


def worker_text(name: str) -> str:
    """Return the text of bench/workers/<name>.py, with that of sdk_log.py in front where it imports it as `omgate_sdk_log`.

    A worker is one text on the other side. The helper's is put into the first line, so that the lines keep their numbers.
    """
    text = (WORKERS / f"{name}.py").read_text(encoding="utf-8")
    if f"\nimport {SDK_LOG}\n" not in text:
        return text
    helper = (WORKERS / "sdk_log.py").read_text(encoding="utf-8")
    made = f"m = sys.modules[{SDK_LOG!r}] = types.ModuleType({SDK_LOG!r})"
    return f"import sys, types; {made}; exec({helper!r}, m.__dict__); del m; {text}"


def is_installed(module: str) -> bool:
    """Whether a top-level module can be imported; it is not imported."""
    return importlib.util.find_spec(module) is not None


def check_model(case: Case, form: str, file: Path | None) -> Availability:
    """Whether the model's file is here; otherwise the key and the option that name it."""
    if file is None:
        return Availability(
            False, f"{case.path.name}:forms.{form} names no file", f"set it, or give --{form}=FILE"
        )
    if not file.is_file():
        return Availability(
            False,
            f"{file} is not there ({case.path.name}:forms.{form} or --{form})",
            f"put it there, or give --{form}=FILE",
        )
    return Availability(True)


def sha256(file: Path) -> str:
    """Return a file's digest in hex; model files are known by it."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
