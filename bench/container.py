"""The suite inside containers: the command lines, what an image holds, and one run an image with its name as the label."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from bench import versions
from bench.inside import INSIDE, Inside
from bench.places import Places
from bench.sdk import CANN_SCRIPTS, PYTHON
from cases.errors import OmgateError
from cases.wording import shown

HOUSE = Path(__file__).resolve().parents[1]

DEVICES = ("/dev/davinci_manager", "/dev/devmm_svm", "/dev/hisi_hdc")
"""What every Ascend container gets besides its /dev/davinciN (the MCNN delivery document, docker_start_infer.sh)."""

DRIVER = "/usr/local/Ascend/driver"

BACKENDS = ("om-sdk", "om-mxbase")

DOCKER_SECONDS = 300.0
"""Starting may load an image's layers from a slow disk, or pull it."""

PROBE = Path(__file__).parent / "workers" / "probe.py"


class ContainerError(OmgateError):
    """Docker is not here, or refused; the message has its words."""


@dataclass(frozen=True)
class Plan:
    """What to run in each image. `folders` are mounted at their own paths; `words` are more of pytest's arguments."""

    device: int = 0
    folders: tuple[Path, ...] = ()
    backends: tuple[str, ...] = BACKENDS
    emulate: bool = False
    words: tuple[str, ...] = ()
    python: str = "python3"


def docker(environ: Mapping[str, str] = os.environ) -> str:
    """The docker command: DOCKER, else `docker` on PATH. Raises ContainerError."""
    name = environ.get("DOCKER") or "docker"
    found = shutil.which(name, path=environ.get("PATH"))
    if found is None:
        raise ContainerError(
            f"no {name} here (not on PATH): install Docker, or name another command in DOCKER"
        )
    return found


def start_command(program: str, image: str, name: str, plan: Plan) -> list[str]:
    """`docker run` of an idle container with the device, the driver and the folders. Raises ContainerError.

    The device files and mounts are the delivery document's. `sleep` is the image's own: whatever its entry point is, it does not run.
    """
    if not image or image.startswith("-"):
        raise ContainerError(
            f"IMAGE: seen {image!r}, expected an image's name, such as infer-modelzoo:21.0.2"
        )
    devices = (
        []
        if plan.emulate
        else [f"--device=/dev/davinci{plan.device}", *(f"--device={one}" for one in DEVICES)]
    )
    driver = [] if plan.emulate else ["-v", f"{DRIVER}:{DRIVER}"]
    mounts = [word for folder in _outermost(plan.folders) for word in ("-v", _mount(folder))]
    idle = ["--entrypoint", "sleep", image, "2147483647"]
    return [
        program,
        "run",
        "--detach",
        "--rm",
        "--init",
        f"--name={name}",
        *devices,
        *driver,
        *mounts,
        *idle,
    ]


def _mount(folder: Path) -> str:
    if ":" in str(folder):
        raise ContainerError(f"{shown(folder)}: docker can't mount a path with a colon; rename the folder")
    return f"{folder}:{folder}"


def _outermost(folders: Sequence[Path]) -> list[Path]:
    """Absolute folders, without those that lie in another one."""
    resolved = sorted({Path(os.path.abspath(folder)) for folder in folders})
    return [one for one in resolved if not any(other in one.parents for other in resolved)]


@contextmanager
def started(program: str, image: str, plan: Plan) -> Iterator[str]:
    """A container of the image, removed at the end with all that runs in it. Raises ContainerError with docker's words."""
    name = f"omgate-{secrets.token_hex(6)}"
    try:
        _asked(start_command(program, image, name, plan), f"image {image}")
        yield name
    finally:
        _quietly([program, "rm", "--force", name])


def look_inside(program: str, container: str, image: str, plan: Plan) -> Inside:
    """What is in a container: its SDK, its CANN, what their set_env.sh export. Raises ContainerError where Python is missing."""
    inside = Inside(
        docker=program,
        container=container,
        image=image,
        python=plan.python,
        workers=BACKENDS,
        emulated=plan.emulate,
    )
    arguments = ["-c", PROBE.read_text(encoding="utf-8"), json.dumps(CANN_SCRIPTS)]
    text = _asked(
        [program, "exec", "-i", container, plan.python, *arguments], f"image {image}: {plan.python}"
    )
    try:
        found = json.loads(text)
        files, environ = dict(found["files"]), dict(found["environ"])
        numpy = found["numpy"]
    except (ValueError, KeyError, TypeError):
        raise ContainerError(f"image {image}: {plan.python} answered {text[:80]!r}, expected JSON") from None
    if not numpy:
        raise ContainerError(
            f"image {image}: {plan.python} has no numpy, which a worker needs; {PYTHON} names another interpreter"
        )
    if plan.emulate:
        return inside
    with tempfile.TemporaryDirectory(prefix="omgate-image-") as folder:
        return _known(inside, Path(folder), files, environ, found["exported"])


def _known(
    inside: Inside, root: Path, files: dict[str, str], changed: dict[str, str], exported: dict[str, str]
) -> Inside:
    """The image's SDK and CANN by the same rules as this machine's own, from copies of its version files below `root`."""
    for name, content in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8", errors="surrogateescape")
    homes = ("MX_SDK_HOME", "ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME", "ASCEND_HOME")
    values = {**exported, **changed}
    environ = {name: str(root / values[name].lstrip("/")) for name in homes if values.get(name)}
    places = Places(root=root, home=root / "root", environ=environ)

    def of_image(path: str | None) -> str | None:
        return None if path is None else path.removeprefix(str(root))

    sdk, cann = versions.sdk(places), versions.cann(places)
    return msgspec.structs.replace(
        inside,
        environ=changed,
        exported=exported,
        sdk=msgspec.structs.replace(sdk, path=of_image(sdk.path)) if sdk else None,
        cann=msgspec.structs.replace(cann, path=of_image(cann.path)) if cann else None,
    )


def suite_command(image: str, plan: Plan) -> list[str]:
    """pytest's command line for an image: its name is the label."""
    backends = [word for backend in plan.backends for word in ("--backend", backend)]
    device = ["--emulate"] if plan.emulate else ["--device", str(plan.device)]
    return [sys.executable, "-m", "pytest", "bench/", "--label", image, *backends, *device, *plan.words]


def run_in(image: str, plan: Plan, tell: Callable[[str], None]) -> int:
    """Run the suite in a container of the image and return pytest's exit code. Raises ContainerError."""
    program = docker()
    tell(f"{image}: {shlex.join(start_command(program, image, 'NAME', plan))}")
    with (
        started(program, image, plan) as container,
        tempfile.TemporaryDirectory(prefix="omgate-inside-") as folder,
    ):
        inside = look_inside(program, container, image, plan)
        has = (
            "the emulated SDK home"
            if plan.emulate
            else f"SDK {_version(inside.sdk)}, CANN {_version(inside.cann)}"
        )
        tell(f"{image}: {has}, {plan.python}")
        file = Path(folder) / "inside.json"
        file.write_bytes(msgspec.json.encode(inside))
        environ = {**os.environ, INSIDE: str(file), "OMGATE_IMAGE": image, PYTHON: plan.python}
        return subprocess.run(suite_command(image, plan), cwd=HOUSE, env=environ, check=False).returncode


def _version(found: versions.Sdk | versions.Cann | None) -> str:
    return (found.version or "of unknown version") if found else "not found"


def with_folders(plan: Plan, *folders: Path | None) -> Plan:
    """The plan with these folders mounted too."""
    return replace(plan, folders=(*plan.folders, *(folder for folder in folders if folder is not None)))


def _asked(command: list[str], about: str) -> str:
    """What a docker command printed. Raises ContainerError with its last words."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=DOCKER_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise ContainerError(f"{about}: docker gave no answer within {DOCKER_SECONDS:g} s") from None
    except OSError as error:
        raise ContainerError(f"{command[0]}: can't be started: {error.strerror}") from None
    if done.returncode:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["nothing"]
        raise ContainerError(
            f"{about}: docker {command[1]} failed (exit {done.returncode}): {shown(words[-1])}"
        )
    return done.stdout.decode("utf-8", "surrogateescape")


def _quietly(command: list[str]) -> None:
    try:
        subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=DOCKER_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        print(f"omgate: could not be removed, do it by hand: {shlex.join(command)}", file=sys.stderr)
