"""Versions of the Ascend software that is installed, from the files that its installers leave behind.

Layouts: CANN's `ascend_toolkit_install.info` and `version.cfg` (CANN installation guide), the driver's, the firmware's and
the Vision SDK's `version.info`. What is missing is None.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from bench.places import Places, glob, keys_of, text_of


class Cann(msgspec.Struct, frozen=True, kw_only=True):
    """The CANN that is in force: `kind` is `toolkit`, `nnrt` or `nnae`."""

    kind: str | None = None
    version: str | None = None
    inner_version: str | None = None
    path: str | None = None


class Sdk(msgspec.Struct, frozen=True, kw_only=True):
    """The MindX (Vision) SDK. `version` is None where `version.info` is missing or says nothing."""

    product: str | None = None
    version: str | None = None
    path: str | None = None


def driver(where: Places) -> str | None:
    """The driver's version."""
    values = keys_of(where.at("/usr/local/Ascend/driver/version.info"))
    return values.get("version") or values.get("package_version") or None


def firmware(where: Places) -> str | None:
    """The firmware's version."""
    values = keys_of(where.at("/usr/local/Ascend/firmware/version.info"))
    # `firmware_version` is the format's number, not the firmware's.
    return values.get("version") or values.get("package_version") or None


_CANN_KINDS = ("toolkit", "nnrt", "nnae")


def cann(where: Places) -> Cann | None:
    """The first CANN in this order: what set_env.sh exported, the usual folders of root, those of the user."""
    for folder in _cann_folders(where):
        found = read_cann(folder)
        if found is not None:
            return found
    return None


def _cann_folders(where: Places) -> list[Path]:
    exported = [
        where.environ[name] for name in ("ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME") if where.environ.get(name)
    ]
    bases = [Path(where.environ["ASCEND_HOME"])] if where.environ.get("ASCEND_HOME") else []
    bases += [where.at("/usr/local/Ascend"), where.home / "Ascend"]
    usual = [
        base / name
        for base in bases
        for name in ("cann", "ascend-toolkit/latest", "nnrt/latest", "nnae/latest")
    ]
    return [Path(folder) for folder in exported] + usual


def read_cann(folder: Path) -> Cann | None:
    """The CANN installed in `folder`, or None where neither its install.info nor its version.cfg can be read."""
    for kind in _CANN_KINDS:
        name = f"ascend_{kind}_install.info"
        for path in (*sorted(glob(folder, f"*-linux/{name}")), folder / name):
            values = keys_of(path)
            if values.get("version"):
                return Cann(
                    kind=kind,
                    version=values["version"],
                    inner_version=values.get("innerversion") or None,
                    path=values.get("path") or str(folder),
                )
    versions = parse_version_cfg(text_of(folder / "version.cfg") or "")
    version = versions.get("toolkit") or versions.get("runtime")
    if version is None:
        return None
    kind_of_folder = next((kind for kind in _CANN_KINDS if kind in str(folder)), None)
    return Cann(
        kind="toolkit" if "toolkit" in versions else kind_of_folder, version=version, path=str(folder)
    )


_VERSION_CFG = re.compile(r"^(\w+?)_(running|upgrade|installed)_version=\[(.*)\]\s*$", re.MULTILINE)


def parse_version_cfg(text: str) -> dict[str, str]:
    """Component -> external version of CANN's version.cfg; what runs goes before what is installed.

    A value is `[internal:external]`; the internal number is the component's own (7.6 for CANN 8.0). `installed`
    may hold several brackets: the last is the newest.
    """
    versions: dict[str, str] = {}
    rank: dict[str, int] = {}
    order = ("installed", "upgrade", "running")
    for component, state, value in _VERSION_CFG.findall(text):
        external = value.split("[")[-1].strip("[]").rpartition(":")[2].strip()
        if external and order.index(state) >= rank.get(component, -1):
            versions[component] = external
            rank[component] = order.index(state)
    return versions


def sdk(where: Places) -> Sdk | None:
    """The SDK that MX_SDK_HOME names, else the one in the usual folder of the deliverables' images."""
    exported = where.environ.get("MX_SDK_HOME")
    usual = where.at("/usr/local/sdk_home")
    folders = [Path(exported)] if exported else [usual, *sorted(glob(usual, "mx*"))]
    for folder in folders:
        text = text_of(folder / "version.info")
        if text is not None:
            product, version = parse_sdk_version(text)
            return Sdk(product=product, version=version, path=str(folder))
    return Sdk(path=exported) if exported and Path(exported).is_dir() else None


_SDK_VERSION = re.compile(
    r"^\s*(.*?)\s*(?:\bversion)?\s*:\s*([0-9][\w.+-]*)\s*$", re.IGNORECASE | re.MULTILINE
)


def parse_sdk_version(text: str) -> tuple[str | None, str | None]:
    """(product, version) of the SDK's version.info, such as ("mxVision", "7.1.RC1"); its wording varies."""
    found = _SDK_VERSION.search(text)
    if found is None:
        return None, None
    words = found.group(1).split()
    return (words[-1] if words else None), found.group(2)
