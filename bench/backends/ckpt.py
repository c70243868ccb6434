"""ckpt: MindSpore in graph mode on Ascend where there is one, else on the CPU."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.backends.base import Availability, Options, check_model, is_installed, sha256, worker_text
from cases.errors import OmgateError

if TYPE_CHECKING:
    from cases.case import Case

DEVICE_FILES = Path("/dev")
"""Where the Ascend driver puts davinci0, davinci1, ... (Ascend driver installation guide)."""


class Ckpt:
    """Runs the case's MindSpore checkpoint with the network that the case names."""

    name = "ckpt"
    precision = "fp32"
    depth: int | None = None

    def available(self, case: Case, options: Options) -> Availability:
        """Whether MindSpore, the network's file and the checkpoint are here."""
        if not is_installed("mindspore"):
            return Availability(False, "MindSpore is not installed", "pip install 'omgate[ckpt]'")
        if case.network is None:
            return Availability(
                False, f"{case.path.name}:network is not set", "name the file and the class of the network"
            )
        if not case.network.file.is_file():
            return Availability(
                False, f"{case.network.file} is not there", f"correct {case.path.name}:network.file"
            )
        return check_model(case, "ckpt", self.model_file(case, options))

    def prepare(self, case: Case) -> None:
        """Do nothing: the model's file is there."""

    def model_file(self, case: Case, options: Options) -> Path | None:
        """Return the checkpoint."""
        return options.ckpt or case.forms.ckpt

    def worker_source(self, case: Case) -> str:
        """Return the text of bench/workers/mindspore.py."""
        return worker_text("mindspore")

    def worker_config(self, case: Case, options: Options) -> dict[str, Any]:
        """Return the checkpoint's path and digest, the network's text, the warm-up shape and the device."""
        file = self.model_file(case, options)
        assert file is not None, "available() comes first"
        return self.config_for(case, options, str(file.resolve()), sha256(file), _device_number(options))

    def config_for(
        self, case: Case, options: Options, model: str, digest: str, number: int | None
    ) -> dict[str, Any]:
        """Return the same for a model's path and a device's number (None: the CPU) where the worker is."""
        assert case.network is not None, "available() comes first"
        return {
            "model": model,
            "digest": digest,
            "network": case.network.file.read_text(encoding="utf-8"),
            "class_name": case.network.class_name,
            "shape": list(case.input.shape),
            "target": "CPU" if number is None else "Ascend",
            "device_id": number or 0,
            "threads": options.threads,
        }

    def python(self) -> str | None:
        """Return None: the worker runs in this interpreter."""
        return None

    def environ(self) -> dict[str, str]:
        """Return nothing: the worker needs no other environment."""
        return {}

    def device(self, options: Options) -> str | None:
        """Return "ascend-<number>", None on the CPU."""
        number = _device_number(options)
        return None if number is None else f"ascend-{number}"

    def soc(self, info: Mapping[str, Any]) -> str:
        """Return "cpu", or the Ascend processor's name without its variant letters ("Ascend910")."""
        if info.get("provider") == "CPU":
            return "cpu"
        match = re.match(r"Ascend\d+", str(info.get("device_name", "")))
        return match.group() if match else "Ascend910"


def _device_number(options: Options) -> int | None:
    """Return the number of the Ascend device to use, None for the CPU."""
    if options.device is None:
        numbers = sorted(
            int(found.name[7:]) for found in DEVICE_FILES.glob("davinci[0-9]*") if found.name[7:].isdigit()
        )
        return numbers[0] if numbers else None
    if options.device.lower() == "cpu":
        return None
    if not options.device.isdigit():
        raise OmgateError(f"--device: seen {options.device!r}, allowed cpu or a device's number such as 0")
    return int(options.device)


BACKEND = Ckpt()
