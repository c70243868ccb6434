"""What the two OM backends have in common: one OM file, on the SDK that is here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import sdk
from bench.backends.base import Options

if TYPE_CHECKING:
    from cases.case import Case


class OnSdk:
    """The parts of a backend that follow from the SDK's home alone."""

    precision = "fp16"

    def prepare(self, case: Case) -> None:
        """Let the emulated atc make the OM file, where that is its home's and it is not there yet."""
        home = sdk.find()
        if home is not None:
            sdk.make_om(case, home)

    def model_file(self, case: Case, options: Options) -> Path | None:
        """Return the OM file."""
        home = sdk.find()
        return sdk.om_file(case, home) if home else None

    def python(self) -> str | None:
        """Return the interpreter that the SDK's modules belong to, None for this one."""
        return os.environ.get(sdk.PYTHON)

    def environ(self) -> dict[str, str]:
        """Return what the SDK's set_env.sh exports."""
        home = sdk.find()
        return sdk.variables(home) if home else {}

    def device(self, options: Options) -> str | None:
        """Return "ascend-<number>", None on an emulated home."""
        return sdk.lock(options.device)

    def soc(self, info: Mapping[str, Any]) -> str:
        """Return "emulated", or the Ascend processor of this machine."""
        return sdk.soc()
