"""The backends by name. Importing this imports none of them; `get` imports the one that is asked for, and no framework."""

from __future__ import annotations

import difflib
import importlib
from typing import TYPE_CHECKING

from cases.errors import OmgateError

if TYPE_CHECKING:
    from bench.backends.base import Backend

MODULES = {
    "reference": "bench.backends.reference",
    "ckpt": "bench.backends.ckpt",
    "om-sdk": "bench.backends.om_sdk",
    "om-mxbase": "bench.backends.om_mxbase",
}
"""Backend name -> the module whose `BACKEND` it is, in the order of tables."""


def names() -> tuple[str, ...]:
    """Return the names of all backends, in the order of tables."""
    return tuple(MODULES)


def get(name: str) -> Backend:
    """Return a backend by name, on the host where the hosts file has it; raise OmgateError with the nearest valid name."""
    from bench import hosts

    backend = local(name)
    found = hosts.current()
    if found is None or name not in found.uses:
        return backend
    from bench.backends.remote import Remote

    return Remote(backend, found.uses[name], found)


def local(name: str) -> Backend:
    """Return a backend by name as it is on this machine; raise OmgateError with the nearest valid name."""
    if name not in MODULES:
        near = difflib.get_close_matches(name, MODULES, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise OmgateError(f"--backend: seen {name!r}, allowed {', '.join(MODULES)}{hint}")
    backend: Backend = importlib.import_module(MODULES[name]).BACKEND
    return backend
