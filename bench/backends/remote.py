"""A backend on another host: the same worker, started there through ssh, with the model, the device and the SDK that are there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import sdk
from bench.backends.base import Availability, Backend, Options, sha256, worker_text
from bench.backends.ckpt import Ckpt
from bench.backends.om_mxbase import DRIVER, Choice, OmMxbase
from bench.backends.om_sdk import OmSdk
from bench.backends.reference import Reference
from bench.emulator.om import GENUINE_MAGIC, MAGIC
from bench.far import Found, look, send
from bench.far_worker import FarWorker
from bench.hosts import FORMS, Hosts, Use
from bench.ssh import HostError
from cases.errors import OmgateError
from cases.wording import shown

if TYPE_CHECKING:
    from cases.case import Case


@dataclass(frozen=True)
class Placed:
    """A model over there: its path, its digest as computed there, and the file here that it is a copy of, where it is one."""

    path: str
    digest: str
    begin: bytes = b""
    source: Path | None = None


class Remote:
    """A backend of a hosts file. `inner` is the same backend's half for this machine: what does not depend on the machine is asked of it."""

    def __init__(self, inner: Backend, use: Use, hosts: Hosts) -> None:
        self.inner, self.use, self.hosts = inner, use, hosts
        self.name, self.precision = inner.name, inner.precision
        # Images in flight hide the way to the host; the SDK's Python driver takes them one by one.
        self.depth = None if inner.name == "om-mxbase" else inner.depth

    def found(self) -> Found:
        """What is on the host. Raises HostError."""
        return look(self.use.host, self.hosts)

    def available(self, case: Case, options: Options) -> Availability:
        """Whether the host can be reached, and the runtime, the model and the device that are asked for are there."""
        try:
            found = self.found()
            self._needs(found, case)
            self._number(options)
            if found.survey.cache is None:
                raise HostError(f"{self.use.host}: no folder there can be written (~/.cache, /tmp)")
            self._check_model(self._model(found, case, options), found, case)
        except OmgateError as error:
            what, _, way_out = str(error).rpartition("; ")
            return Availability(False, what or str(error), way_out if what else "correct it there")
        return Availability(True)

    def prepare(self, case: Case) -> None:
        """Send the model where it is not there yet. Raises OmgateError."""
        self._path(case, Options())

    def model_file(self, case: Case, options: Options) -> Path | None:
        """Return the model's file of this machine that runs there; None where it is one of the host's own."""
        return self._model(self.found(), case, options).source

    def digest(self, case: Case, options: Options) -> str:
        """Return the digest of the model that runs there."""
        return self._model(self.found(), case, options).digest

    def worker_source(self, case: Case) -> str:
        """Return the text of the runtime module; of om-mxbase's two the Python one."""
        return worker_text("mxbase") if isinstance(self.inner, OmMxbase) else self.inner.worker_source(case)

    def worker_config(self, case: Case, options: Options) -> dict[str, Any]:
        """Return what the backend's worker gets, with the paths and numbers of the host."""
        found = self.found()
        path, digest = self._path(case, options), self.digest(case, options)
        number = self._number(options)
        if isinstance(self.inner, Reference):
            return self.inner.config_for(case, options, path, digest)
        if isinstance(self.inner, Ckpt):
            return self.inner.config_for(case, options, path, digest, self._npu(found, options))
        home = found.sdk
        assert home is not None, "available() comes first"
        if isinstance(self.inner, OmSdk):
            return self.inner.config_for(case, home, Path(path), number)
        assert isinstance(self.inner, OmMxbase)
        note = f"driver python: the native one works on files of this machine's disk, the worker runs on {self.use.host.name}"
        return self.inner.config_for(case, home, Path(path), number, Choice("python", note=note))

    def python(self) -> str | None:
        """Return the interpreter over there."""
        return self.use.host.python

    def environ(self) -> dict[str, str]:
        """Return what the host's set_env.sh scripts export, and what the hosts file sets."""
        found = self.found()
        home = found.sdk
        changed = found.survey.environ
        if home is None or not self._on_sdk:
            return dict(changed)
        return {**sdk.documented(home, {**found.survey.variables, **changed}), **changed}

    def device(self, options: Options) -> str | None:
        """Return the name of the device's lock on this machine: two runs from here keep off one device of the host."""
        lock = self._lock(options)
        return None if lock is None else f"{self.use.host.ssh}-{lock}"

    def far(self, options: Options) -> FarWorker:
        """Return where the worker lives; it holds the device's lock there, against runs from elsewhere."""
        return FarWorker(self.use.host, self.found().survey.cache or "/tmp", self._lock(options))

    def soc(self, info: Mapping[str, Any]) -> str:
        """Return "cpu", the host's Ascend processor, "emulated" for an emulated SDK home there."""
        if not self._on_sdk:
            return self.inner.soc(info)
        found = self.found()
        if found.sdk is not None and found.sdk.emulated:
            return sdk.EMULATED
        soc = found.environment.soc
        return soc if soc and soc != "cpu" else "unknown"

    # -- what must be there --------------------------------------------------------------------------------------------------------

    @property
    def _on_sdk(self) -> bool:
        return isinstance(self.inner, OmSdk | OmMxbase)

    def _fail(self, what: str, way_out: str) -> HostError:
        return HostError(f"{self.use.host}: {what}; {way_out}")

    def _needs(self, found: Found, case: Case) -> None:
        python = f"{self.use.host.python} (Python {found.survey.python})"
        if isinstance(self.inner, Reference) and "onnxruntime" not in found.survey.modules:
            raise self._fail(f"{python} has no ONNX Runtime", "pip install onnxruntime there")
        if isinstance(self.inner, Ckpt):
            if "mindspore" not in found.survey.modules:
                raise self._fail(f"{python} has no MindSpore", "install it there, or name its python =")
            if case.network is None or not case.network.file.is_file():
                raise self._fail(
                    f"{case.path.name}:network names no file here", "name the network's file and class"
                )
        if self._on_sdk:
            self._needs_sdk(found, case)

    def _needs_sdk(self, found: Found, case: Case) -> None:
        home = found.sdk
        if home is None:
            raise self._fail(
                "no MindX SDK there", "set_env = in the hosts file, or MX_SDK_HOME in its environment"
            )
        if str(home.path) not in found.survey.sdk_python:
            raise self._fail(
                f"{home.path} is no SDK (it has no python/)", "MX_SDK_HOME names the SDK's own folder"
            )
        if isinstance(self.inner, OmSdk):
            if case.sdk is None:
                raise self._fail(f"{case.path.name}:sdk is not set", "name the pipeline file: sdk.pipeline")
            from bench import pipeline

            pipeline.load(case.sdk.pipeline)
        elif os.environ.get(DRIVER) == "native":
            raise self._fail(
                f"{DRIVER}=native: that driver works on files of a disk here",
                "use python, or run omgate on that machine and compare with omgate diff --across",
            )
        elif "mindx.sdk.base" not in found.survey.modules:
            raise self._fail(
                "its SDK has no mindx.sdk.base (Python, from SDK 3.0 on), and the native driver does not run through ssh",
                "run omgate on that machine, and compare with omgate diff --across",
            )

    def _number(self, options: Options) -> int | None:
        """The device's number that was asked for: --device, else the first of the hosts file; None: the backend's own choice."""
        allowed = self.use.devices
        if options.device is None:
            return allowed[0] if allowed else None
        if isinstance(self.inner, Ckpt) and options.device.lower() == "cpu":
            return None
        number = sdk.device(options.device)
        if allowed and number not in allowed:
            listed = ", ".join(map(str, allowed))
            raise self._fail(f"--device {number} is none of devices = [{listed}]", "choose one of those")
        return number

    def _npu(self, found: Found, options: Options) -> int | None:
        """The device that MindSpore gets: None for the CPU."""
        if options.device is not None or self.use.devices:
            return self._number(options)
        numbers = sorted(int(name[7:]) for name in found.survey.nodes if name[7:].isdigit())
        return numbers[0] if numbers else None

    def _lock(self, options: Options) -> str | None:
        found = self.found()
        if isinstance(self.inner, Reference) or (
            self._on_sdk and found.sdk is not None and found.sdk.emulated
        ):
            return None
        number = self._npu(found, options) if isinstance(self.inner, Ckpt) else self._number(options) or 0
        return None if number is None else f"ascend-{number}"

    # -- the model -----------------------------------------------------------------------------------------------------------------

    def _model(self, found: Found, case: Case, options: Options) -> Placed:
        """The host's own file where the hosts file names one, else the one from here. Raises HostError."""
        form = FORMS[self.name]
        local = self._local(case, options)
        if self.use.model is None:
            if local is None or not local.is_file():
                where = (
                    f"{shown(local)} is not here" if local else f"{case.path.name}:forms.{form} names no file"
                )
                raise self._fail(
                    where, f"give --{form}=FILE, or name the file over there: {form} = in the hosts file"
                )
            with local.open("rb") as stream:
                begin = stream.read(len(MAGIC))
            return Placed("", sha256(local), begin, local)
        model = found.survey.models.get(self.use.model)
        if model is None or model.problem:
            problem = model.problem if model else "it was not looked for"
            raise self._fail(f"{shown(self.use.model)}: {problem}", f"correct {form} = in the hosts file")
        if local is not None and local.is_file() and (mine := sha256(local)) != model.sha256:
            raise self._fail(
                f"{shown(self.use.model)} has the digest {model.sha256[:16]}, {shown(local)} here {mine[:16]}: they are not one model",
                f"leave {form} = out, so that the one from here is sent, or bring the same file here",
            )
        return Placed(self.use.model, model.sha256, bytes.fromhex(model.begin))

    def _local(self, case: Case, options: Options) -> Path | None:
        """The model's file of this machine. An SDK that is here has no say in which OM file the host runs."""
        if not self._on_sdk:
            return self.inner.model_file(case, options)
        if case.forms.om is not None:
            return case.forms.om
        delivered = sdk.delivered(case)
        return delivered if delivered is not None and delivered.is_file() else None

    def _path(self, case: Case, options: Options) -> str:
        """The model's path over there; it is sent where it is not there yet."""
        found = self.found()
        model = self._model(found, case, options)
        if model.source is None:
            return model.path
        return send(self.use.host, found.survey.cache or "/tmp", model.source, model.digest)

    def _check_model(self, model: Placed, found: Found, case: Case) -> None:
        """An emulated OM file on a real SDK, or the other way round, is refused before anything runs."""
        if not self._on_sdk:
            return
        file = shown(model.path or str(model.source))
        emulated = found.sdk is not None and found.sdk.emulated
        if model.begin.startswith(GENUINE_MAGIC) and emulated:
            raise self._fail(
                f"{file} is a genuine OM file, its SDK home an emulated one", "only a device runs it"
            )
        if model.begin[: len(MAGIC)] == MAGIC and not emulated:
            raise self._fail(
                f"{file} is an emulated OM file, its SDK a real one",
                "convert with CANN's atc (omgate convert)",
            )
        if not model.begin.startswith(GENUINE_MAGIC) and model.begin[: len(MAGIC)] != MAGIC:
            raise self._fail(f"{file} is no OM file", "convert the model with omgate convert")
