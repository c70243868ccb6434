"""ONNX or AIR to OM with atc, and the conversion's provenance beside the OM.

atc is CANN's, or the emulated home's. It runs in a scratch folder (it leaves kernel_meta behind) on names that it takes whatever the
real paths are called.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import msgspec

from bench.emulator.om import sha256
from bench.sdk import MARKER
from cases.errors import OmgateError
from cases.wording import shown

if TYPE_CHECKING:
    from cases.case import Case

EMULATED = "emulated"

ATC_SECONDS = 1800.0
"""Time limit of a conversion: MCNN takes about a minute on a server's processor (unconfirmed), a loaded one is given half an hour."""

AIR_INPUT = "x"
"""Name of the input inside a deliverable's AIR (mindspore models, MCNN's convert_om.sh)."""

CODED = re.compile(r"^\s*(\[ERROR\]\s*)?E[A-Z]{0,2}[0-9]{4,5}\b")
"""A line that begins with one of atc's codes: E10001, EZ3003, EC0010 ..."""

SAFE = re.compile(r"[A-Za-z0-9_.-]+")
"""File names that every atc takes."""


class ConversionError(OmgateError):
    """atc could not be run, or refused; the message has its words."""


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """How an OM came about. It lies beside it as `<om>.json`; `command` is what was run, in a scratch folder."""

    om_sha256: str
    source: str
    source_sha256: str
    command: tuple[str, ...]
    tool: str
    tool_version: str | None
    soc_version: str
    cann: str | None
    """CANN's version, or `emulated`; None where it can't be found out."""
    seconds: float
    log: str

    @property
    def emulated(self) -> bool:
        """True where the emulated atc made it."""
        return self.cann == EMULATED


@dataclass(frozen=True)
class Atc:
    """An atc that was found, with the versions it is known by."""

    path: Path
    version: str | None
    cann: str | None

    @property
    def emulated(self) -> bool:
        """True for the emulated home's."""
        return self.cann == EMULATED


def find_atc(emulate: bool = False, environ: Mapping[str, str] = os.environ) -> Atc:
    """Return the emulated home's atc (emulate, or MX_SDK_HOME is one), else CANN's: on PATH or in its folder. Raises ConversionError."""
    exported = environ.get("MX_SDK_HOME", "")
    if emulate or (exported and (Path(exported) / MARKER).is_file()):
        return _emulated_atc(None if emulate else Path(exported))
    on_path = shutil.which("atc", path=environ.get("PATH"))
    homes = [Path(environ[name]) for name in ("ASCEND_TOOLKIT_HOME", "ASCEND_HOME_PATH") if environ.get(name)]
    inside = [home / place for home in homes for place in ("bin/atc", "compiler/bin/atc", "atc/bin/atc")]
    for path in [Path(on_path)] if on_path else [path for path in inside if os.access(path, os.X_OK)]:
        home = path.resolve().parents[1]
        return _emulated_atc(home) if (home / MARKER).is_file() else Atc(path, *_cann_versions(path))
    raise ConversionError(
        "no atc here (not on PATH, ASCEND_TOOLKIT_HOME is not set): source the CANN toolkit's set_env.sh,"
        " or give --emulate for an OM that only the emulated SDK runs"
    )


def _emulated_atc(home: Path | None) -> Atc:
    from bench.emulator.home import make_home
    from bench.versions import parse_sdk_version

    home = home or make_home()
    try:
        version = parse_sdk_version((home / "version.info").read_text(encoding="utf-8"))[1]
    except (OSError, UnicodeDecodeError):
        version = None
    return Atc(home / "bin" / "atc", version, EMULATED)


def _cann_versions(path: Path) -> tuple[str | None, str | None]:
    """(internal, external) version of the CANN that an atc belongs to."""
    from bench import versions
    from bench.places import Places

    for folder in path.resolve().parents[:5]:
        found = versions.read_cann(folder)
        if found is not None:
            return found.inner_version, found.version
    other = versions.cann(Places())
    return (other.inner_version, other.version) if other else (None, None)


def convert_case(
    case: Case,
    output: Path,
    *,
    onnx: Path | None = None,
    air: Path | None = None,
    soc: str = "Ascend310",
    options: Mapping[str, str] | None = None,
    emulate: bool = False,
    out: TextIO | None = None,
) -> tuple[Path, Provenance]:
    """Convert a case's model (its own ONNX, or the file that is given) to `<output>.om`; return that path and its provenance.

    options: more of atc's, by name (`precision_mode`, `output_type`, `input_shape` ...); out: gets atc's lines as they come. Raises
    ConversionError with atc's words.
    """
    if onnx is not None and air is not None:
        raise ConversionError("--onnx and --air: give one of them")
    source = air or onnx or case.forms.onnx
    if source is None:
        raise ConversionError(
            f"{case.path}: forms.onnx names no file: give one with --onnx=FILE or --air=FILE"
        )
    framework = "1" if air is not None else "5"
    chosen = {"input_format": "NCHW", **(options or {})}
    if "input_shape" not in chosen and case.input.size is not None:
        name = AIR_INPUT if air is not None else input_name(source)
        if name is not None:
            chosen["input_shape"] = f"{name}:{','.join(str(size) for size in case.input.shape)}"
    return convert(source, output, framework, soc, chosen, find_atc(emulate), out)


def input_name(model: Path) -> str | None:
    """Return the name of an ONNX model's input; None where it has several. Raises ConversionError."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises what it likes
        reason = str(error).strip().splitlines()
        raise ConversionError(
            f"{shown(model)}: not an ONNX model that can be read: {reason[0] if reason else 'damaged'}"
        ) from error
    inputs = session.get_inputs()
    return str(inputs[0].name) if len(inputs) == 1 else None


def convert(
    source: Path,
    output: Path,
    framework: str,
    soc: str,
    options: Mapping[str, str],
    atc: Atc,
    out: TextIO | None = None,
    limit_seconds: float = ATC_SECONDS,
) -> tuple[Path, Provenance]:
    """Run `atc` on `source`; return `<output>.om` (rights 640, as the SDK wants) and its provenance, both written. Raises ConversionError."""
    target = output if output.suffix == ".om" else output.with_name(f"{output.name}.om")
    try:
        content = source.read_bytes()
    except OSError as error:
        raise ConversionError(f"{shown(source)}: can't be read: {error.strerror}") from error
    if not target.parent.is_dir():
        raise ConversionError(f"{shown(target)}: no folder {shown(target.parent)}: make it first")
    try:
        with tempfile.TemporaryDirectory(prefix=".converting-", dir=target.parent) as folder:
            scratch = Path(folder)
            name = source.name if SAFE.fullmatch(source.name) else f"model{source.suffix}"
            os.symlink(source.absolute(), scratch / name)
            arguments = {
                "framework": framework,
                "model": name,
                "output": "converted",
                "soc_version": soc,
                **options,
            }
            command = [str(atc.path), *(f"--{key}={value}" for key, value in arguments.items())]
            started = time.monotonic()
            log = _run(command, scratch, out, limit_seconds)
            seconds = time.monotonic() - started
            made = _made(scratch, log)
            provenance_ = Provenance(
                om_sha256=sha256(made.read_bytes()),
                source=source.name,
                source_sha256=sha256(content),
                command=tuple(command),
                tool=str(atc.path),
                tool_version=atc.version,
                soc_version=soc,
                cann=atc.cann,
                seconds=seconds,
                log=log,
            )
            _put(made, target, provenance_)
    except OSError as error:
        raise ConversionError(f"{shown(target)}: can't be written: {error.strerror or error}") from error
    return target, provenance_


def provenance(om: Path) -> Provenance | None:
    """Return how an OM came about; None where that is not written beside it, or was written of another file."""
    try:
        found = msgspec.json.decode(_beside(om).read_bytes(), type=Provenance)
        return found if sha256(om.read_bytes()) == found.om_sha256 else None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _beside(om: Path) -> Path:
    return om.with_name(f"{om.name}.json")


def _put(made: Path, target: Path, written: Provenance) -> None:
    """Put OM and provenance in place, each as a whole; an OM never lies beside another one's provenance unnoticed (see provenance)."""
    made.chmod(0o640)
    text = made.with_name("provenance.json")
    text.write_bytes(msgspec.json.format(msgspec.json.encode(written), indent=2) + b"\n")
    os.replace(made, target)
    os.replace(text, _beside(target))


def _made(scratch: Path, log: str) -> Path:
    """The OM that atc wrote: some builds put the system into its name."""
    found = sorted(scratch.glob("converted*.om"))
    if not found:
        raise ConversionError(f"atc ended well and wrote no OM: {_words(log)}")
    return found[0]


def _run(command: list[str], scratch: Path, out: TextIO | None, limit_seconds: float) -> str:
    """Run atc and return what it printed, passing lines on as they come. Raises ConversionError: it failed, it took too long."""
    late = threading.Event()
    begun: list[subprocess.Popen[str]] = []

    def end() -> None:
        late.set()
        for process in begun:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(limit_seconds, end)
    timer.daemon = True
    lines = []
    try:
        with _interrupts_held():
            begun.append(_start(command, scratch))
        timer.start()
        (process,) = begun
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if out is not None:
                print(line, end="", file=out, flush=True)
        code = process.wait()
    except BaseException:  # Ctrl-C: atc and its compilers go too
        end()
        for process in begun:
            process.wait()
        raise
    finally:
        timer.cancel()
    log = "".join(lines)
    if late.is_set():
        raise ConversionError(f"atc was killed after {limit_seconds:g} s; it said: {_words(log)}")
    if code:
        raise ConversionError(f"atc failed (exit {code}): {_words(log)}")
    return log


def _start(command: list[str], scratch: Path) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            command,
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise ConversionError(f"{command[0]}: can't be started: {error.strerror}") from error


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Ctrl-C within comes at the end: what it would end has been noted by then. It reaches the main thread alone."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield
        return
    seen: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: seen.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if seen:
            signal.raise_signal(signal.SIGINT)


def _words(log: str) -> str:
    """What to quote of atc's output: its coded lines, else the last ones."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    coded = [line for line in lines if CODED.match(line)]
    return " | ".join((coded or lines[-3:])[:3]) or "nothing"
