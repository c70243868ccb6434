"""om-mxbase: the OM file in mxBase, through the deliverable's C++ program (`native`) or the SDK's Python binding (`python`)."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import sdk
from bench.backends.base import Availability, Options, worker_text
from bench.backends.on_sdk import OnSdk
from bench.emulator.build import PROGRAM
from bench.emulator.build import program as emulated_program
from bench.programs import exit_status
from bench.sdk_codes import CODES
from cases.errors import OmgateError

if TYPE_CHECKING:
    from cases.case import Case

DRIVER = "OMGATE_MXBASE_DRIVER"
"""Environment variable: native or python, to choose a driver; without it native where its program is built."""

DRIVERS = {"native": "native", "python": "mxbase"}
"""Driver -> its file in bench/workers."""

CHUNK = 32
"""Images that one start of the program gets: its start costs seconds on a device, and each image is one MiB on disk until it is read."""

EMULATED_LIBRARY, REAL_LIBRARY = b"libmxbase_emulated.so", b"libmxbase.so"
"""What a program names in its dynamic section; one of the emulated home can't load a real SDK's library, nor the other way round."""

MACHINE_LINES = b"omgate"
"""A program that prints machine lines has this in its text; the published one has not."""

EXITS = {"1": "some images failed", "2": "used wrongly", "3": "could not start: the model or the device"}
"""What our program's own exit statuses mean; another one is an SDK code, modulo 256."""


@dataclass(frozen=True)
class Choice:
    """A driver with its program (native), or the reason why there is none; `note` says why it is not native."""

    driver: str
    program: Path | None = None
    note: str = ""
    reason: str = ""
    way_out: str = ""


class OmMxbase(OnSdk):
    """Runs the case's OM file through mxBase."""

    name = "om-mxbase"
    depth: int | None = CHUNK

    def available(self, case: Case, options: Options) -> Availability:
        """Whether an SDK, an OM file that it can run, and a driver are here."""
        reason, way_out = sdk.missing(case)
        if reason:
            return Availability(False, reason, way_out)
        try:
            sdk.device(options.device)
            chosen = choose(case)
        except OmgateError as error:
            return Availability(False, str(error), f"correct it, or unset {DRIVER}")
        return Availability(not chosen.reason, chosen.reason, chosen.way_out)

    def worker_source(self, case: Case) -> str:
        """Return the text of bench/workers/native.py or mxbase.py, as the driver is."""
        return worker_text(DRIVERS[choose(case).driver])

    def worker_config(self, case: Case, options: Options) -> dict[str, Any]:
        """Return the driver, what it needs, and what to say where it fails."""
        home = sdk.find()
        assert home is not None, "available() comes first"
        om = sdk.make_om(case, home)
        return self.config_for(case, home, om, sdk.device(options.device), choose(case))

    def config_for(
        self, case: Case, home: sdk.SdkHome, om: Path | None, device: int | None, chosen: Choice
    ) -> dict[str, Any]:
        """Return the same for an SDK, an OM file and a driver where the worker is."""
        return {
            "driver": chosen.driver,
            "note": chosen.note,
            "program": None if chosen.program is None else str(chosen.program),
            "chunk": CHUNK,
            "exits": {**exit_status.table(), **EXITS},
            "home": str(home.path),
            "version": home.version,
            "soc": home.soc,
            "model": str(om),
            "device": device or 0,
            "shape": list(case.input.shape),
            "codes": {str(code): meaning for code, meaning in CODES.items()},
        }


def choose(case: Case) -> Choice:
    """Return the driver for a case here: the one that OMGATE_MXBASE_DRIVER names, else native where its program is, else python.

    Raises OmgateError for another name in that variable.
    """
    wanted = os.environ.get(DRIVER, "")
    if wanted not in ("", *DRIVERS):
        raise OmgateError(f"{DRIVER}={wanted}: allowed are {' and '.join(DRIVERS)}")
    home = sdk.find()
    assert home is not None, "sdk.missing() comes first"
    native = _native(case, home)
    if not native.reason and wanted != "python":
        return native
    if wanted == "native":
        return native
    note = f"{DRIVER}=python" if wanted else f"driver native: {native.reason}; {native.way_out}"
    return _python(home, note)


def _native(case: Case, home: sdk.SdkHome) -> Choice:
    if case.mxbase is None:
        return _refused("native", f"{case.path.name}:mxbase is not set", "name the program: mxbase.program")
    program, build = case.mxbase.program, f"build it with bash {case.mxbase.program.parent}/build.sh"
    if home.emulated:
        if program.name != PROGRAM:
            message = f"the emulated home builds {PROGRAM} alone, not {program.name}"
            return _refused("native", message, "the python driver runs it")
        found = emulated_program(home.path)
        build = "build it with omgate emulator build"
        if found is None:
            return _refused("native", "the C++ program is not built for the emulated home", build)
        program = found
    try:
        content = program.read_bytes()
    except OSError as error:
        return _refused("native", f"{program} can't be read ({error.strerror or error})", build)
    if not os.access(program, os.X_OK):
        return _refused("native", f"{program} may not be executed", f"chmod +x, or {build}")
    if home.emulated and EMULATED_LIBRARY not in content:
        return _refused("native", f"{program} is not built against the emulated mxBase library", build)
    if not home.emulated and (EMULATED_LIBRARY in content or REAL_LIBRARY not in content):
        return _refused("native", f"{program} is not built against this SDK's {REAL_LIBRARY.decode()}", build)
    if MACHINE_LINES not in content:
        return _refused(
            "native",
            f"{program} prints no machine lines: it is not this project's program",
            "run it by hand, and read what it printed with omgate import",
        )
    return Choice("native", program)


def _python(home: sdk.SdkHome, note: str) -> Choice:
    """The Python binding; of another interpreter nothing is known until the worker tries."""
    there = any(home.path.glob("python/mindx/sdk/base*")) or _is_installed()
    if there or os.environ.get(sdk.PYTHON):
        return Choice("python", note=note)
    version = home.version or "?"
    message = f"the SDK {version} in {home.path} has no mindx.sdk.base (Python, from SDK 3.0 on)"
    return _refused(
        "python",
        f"{message}, and {note}",
        f"then neither driver runs; {sdk.PYTHON} names another interpreter",
    )


def _is_installed() -> bool:
    """Whether the SDK's wheel is installed here; another distribution is called mindx, too, and has no mindx/sdk."""
    found = importlib.util.find_spec("mindx")
    folders = found.submodule_search_locations if found else None
    return any((Path(folder) / "sdk").is_dir() for folder in folders or ())


def _refused(driver: str, reason: str, way_out: str) -> Choice:
    return Choice(driver, reason=reason, way_out=way_out)


BACKEND = OmMxbase()
