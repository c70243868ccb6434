"""The MindX SDK that is here, real or emulated: where it is, what its set_env.sh exports, which OM files it can run.

`MX_SDK_HOME` decides, as it does for every program of the SDK. An emulated home is an SDK home like another, except that what is
measured on it is stamped: this file is the one that tells the two apart.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.emulator.om import GENUINE_MAGIC, MAGIC
from cases.errors import OmgateError

if TYPE_CHECKING:
    from bench.places import Places
    from cases.case import Case

EMULATED = "emulated"
"""The `soc` of everything that an emulated home measures."""

MARKER = "EMULATED"
"""A file of this name lies in an emulated home."""

PYTHON = "OMGATE_SDK_PYTHON"
"""Environment variable: the interpreter that the SDK's Python modules belong to (3.7 for SDK 2.0.3, 3.9 for 2.0.4 and later)."""

CANN_SCRIPTS = (
    "ascend-toolkit/set_env.sh",
    "cann/set_env.sh",
    "nnrt/set_env.sh",
    "nnae/set_env.sh",
)
"""Below /usr/local/Ascend or ~/Ascend (CANN installation guide; `cann` from 8.5 on)."""

SOURCE_SECONDS = 30.0
"""A set_env.sh takes milliseconds; one that asks something must not hold the run."""


@dataclass(frozen=True)
class SdkHome:
    """An SDK's folder; `version` None where version.info does not tell."""

    path: Path
    emulated: bool
    version: str | None = None

    @property
    def soc(self) -> str | None:
        """`emulated`, or None: a real one has to be asked."""
        return EMULATED if self.emulated else None


def find(places: Places | None = None) -> SdkHome | None:
    """Return the SDK that MX_SDK_HOME names, else the one in the usual folder; None where there is none."""
    from bench import inside, versions
    from bench.places import Places

    container = inside.current() if places is None else None
    if container is not None and not container.emulated:
        image = container.sdk
        return SdkHome(Path(image.path or "/"), False, image.version) if image else None
    found = versions.sdk(places or Places())
    if found is None or found.path is None:
        return None
    home = Path(found.path)
    return SdkHome(home, (home / MARKER).is_file(), found.version)


def variables(home: SdkHome) -> dict[str, str]:
    """Return the environment variables that the SDK's set_env.sh, and CANN's where it was not sourced yet, set or change.

    The scripts are really run (bash, bounded); where the SDK has none, what its documentation says it exports is set.
    """
    from bench import inside

    container = inside.current()
    if container is not None and not home.emulated:
        found = {**container.exported, **container.environ}
        return {**documented(home, found), **container.environ}
    scripts = [home.path / "set_env.sh"]
    if not home.emulated and not {"ASCEND_TOOLKIT_HOME", "ASCEND_HOME_PATH"} & set(os.environ):
        scripts[:0] = _cann_scripts()[:1]
    changed = _sourced([script for script in scripts if script.is_file()])
    return {**documented(home, {**os.environ, **changed}), **changed}


def _cann_scripts() -> list[Path]:
    roots = (Path("/usr/local/Ascend"), Path.home() / "Ascend")
    return [root / script for root in roots for script in CANN_SCRIPTS if (root / script).is_file()]


def _sourced(scripts: list[Path]) -> dict[str, str]:
    """Return what sourcing these scripts in turn changes in this process's environment; nothing where bash fails."""
    if not scripts:
        return {}
    # The paths are arguments, not part of the text; what a script prints is not wanted.
    text = 'for script; do . "$script" >/dev/null 2>&1 </dev/null; done; exec env -0'
    try:
        done = subprocess.run(
            ["bash", "-c", text, "bash", *map(str, scripts)],
            capture_output=True,
            timeout=SOURCE_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    pairs = (entry.split(b"=", 1) for entry in done.stdout.split(b"\0") if b"=" in entry)
    found = {os.fsdecode(name): os.fsdecode(value) for name, value in pairs}
    shells_own = {"_", "SHLVL", "PWD", "OLDPWD", "BASH_ENV"}
    return {
        name: value
        for name, value in found.items()
        if os.environ.get(name) != value and name not in shells_own
    }


def documented(home: SdkHome, environ: dict[str, str]) -> dict[str, str]:
    """Return what set_env.sh exports by the SDK's documentation (Vision SDK, mxBase/build/set_env.sh)."""
    path = home.path
    source = path / "opensource"

    def before(name: str, *folders: Path) -> str:
        present = [entry for entry in environ.get(name, "").split(os.pathsep) if entry]
        return os.pathsep.join(
            dict.fromkeys([*(str(folder) for folder in folders if str(folder) not in present), *present])
        )

    return {
        "MX_SDK_HOME": str(path),
        "GST_PLUGIN_SCANNER": str(source / "libexec/gstreamer-1.0/gst-plugin-scanner"),
        "GST_PLUGIN_PATH": f"{source / 'lib/gstreamer-1.0'}:{path / 'lib/plugins'}",
        "LD_LIBRARY_PATH": before(
            "LD_LIBRARY_PATH",
            path / "lib",
            path / "lib/modelpostprocessors",
            source / "lib",
            source / "lib64",
        ),
        "PYTHONPATH": before("PYTHONPATH", path / "python"),
    }


def check_om(file: Path, home: SdkHome) -> str:
    """Why this home can't run this OM file, in one line with the way out; empty when it may."""
    try:
        with file.open("rb") as stream:
            begin = stream.read(len(MAGIC))
    except OSError as error:
        return f"{file} can't be read: {error.strerror}"
    if begin.startswith(GENUINE_MAGIC):
        if not home.emulated:
            return ""
        return (
            f"{file} is a genuine OM file and {home.path} an emulated SDK home: only a device runs it; "
            "leave --om out, or convert with the emulated atc (omgate convert --emulate)"
        )
    if begin == MAGIC:
        if home.emulated:
            return ""
        return f"{file} is an emulated OM file and {home.path} a real SDK: convert the model with CANN's atc (omgate convert)"
    return f"{file} is no OM file (it begins with {begin[:8]!r}): convert the model with omgate convert"


def om_file(case: Case, home: SdkHome) -> Path | None:
    """Return the case's OM file: its own, or --om; else the pipeline's modelPath, where the deliverable's conversion puts it.

    On an emulated home in place of that the one that `make_om` makes of the case's ONNX.
    """
    if case.forms.om is not None:
        return case.forms.om
    if not home.emulated:
        return delivered(case)
    if case.forms.onnx is None:
        return None
    from bench.backends.base import sha256

    return home.path / "models" / f"{sha256(case.forms.onnx)[:32]}.om"


def delivered(case: Case) -> Path | None:
    """The OM file that the case's pipeline names; None without a pipeline that can be read (the backend says why)."""
    from bench import pipeline

    try:
        return pipeline.load(case.sdk.pipeline).model if case.sdk else None
    except OmgateError:
        return None


def make_om(case: Case, home: SdkHome) -> Path | None:
    """Return the case's OM file as `om_file` does, after the emulated atc has made it where that is needed. Raises OmgateError."""
    file = om_file(case, home)
    if file is None or file.is_file() or case.forms.om is not None or case.forms.onnx is None:
        return file
    from bench.convert import convert_case

    try:
        file.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise OmgateError(f"{file.parent} can't be made: {error.strerror}") from error
    return convert_case(case, file.with_suffix(""))[0]


def missing(case: Case) -> tuple[str, str]:
    """Why no OM backend can run this case here, and the way out; two empty texts when one can."""
    home = find()
    if home is None:
        return "no MindX SDK here (MX_SDK_HOME is not set)", (
            "source the SDK's set_env.sh, or give --emulate to run on the emulated SDK home"
        )
    from bench import inside

    if inside.current() is None and not (home.path / "python").is_dir():
        return f"MX_SDK_HOME={home.path} is no SDK (it has no python/)", "name the SDK's own folder"
    file = om_file(case, home)
    if file is None:
        return f"{case.path.name}:forms.om names no file", "make one with omgate convert, and give --om=FILE"
    if home.emulated and case.forms.om is None:
        return "", ""
    if not file.is_file():
        return f"{file} is not there", "make it with omgate convert, or give --om=FILE"
    if reason := check_om(file, home):
        why, _, way_out = reason.partition(": ")
        return why, way_out
    return "", ""


def device(given: str | None) -> int | None:
    """Return the device's number that a user gave, None where none was given. Raises OmgateError for anything else."""
    if given is None:
        return None
    if not given.isdigit():
        raise OmgateError(
            f"--device: seen {given!r}, allowed for an OM backend is a device's number, such as 0"
        )
    return int(given)


def lock(given: str | None) -> str | None:
    """Return the name of the device's lock, None on an emulated home, whose device is the processor."""
    home = find()
    return None if home is None or home.emulated else f"ascend-{device(given) or 0}"


def soc() -> str:
    """Return `emulated`, or the Ascend processor of this machine (`Ascend310`); `unknown` where npu-smi does not tell."""
    from bench import npu_smi
    from bench.places import Places

    home = find()
    if home is not None and home.emulated:
        return EMULATED
    places = Places()
    found = npu_smi.soc_of(npu_smi.ask(places).devices or npu_smi.device_nodes(places))
    return found if found and found != "cpu" else "unknown"
