"""reference: ONNX Runtime on the CPU in FP32, an independent oracle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.backends.base import Availability, Options, check_model, is_installed, sha256, worker_text

if TYPE_CHECKING:
    from cases.case import Case


class Reference:
    """Runs the case's ONNX file on this machine's processor."""

    name = "reference"
    precision = "fp32"
    depth: int | None = None

    def available(self, case: Case, options: Options) -> Availability:
        """Whether ONNX Runtime and the ONNX file are here."""
        if not is_installed("onnxruntime"):
            return Availability(False, "ONNX Runtime is not installed", "pip install onnxruntime")
        return check_model(case, "onnx", self.model_file(case, options))

    def prepare(self, case: Case) -> None:
        """Do nothing: the model's file is there."""

    def model_file(self, case: Case, options: Options) -> Path | None:
        """Return the ONNX file."""
        return options.onnx or case.forms.onnx

    def worker_source(self, case: Case) -> str:
        """Return the text of bench/workers/onnx.py."""
        return worker_text("onnx")

    def worker_config(self, case: Case, options: Options) -> dict[str, Any]:
        """Return the model's path and digest, the warm-up shape and the number of threads."""
        file = self.model_file(case, options)
        assert file is not None, "available() comes first"
        return self.config_for(case, options, str(file.resolve()), sha256(file))

    def config_for(self, case: Case, options: Options, model: str, digest: str) -> dict[str, Any]:
        """Return the same for a model's path where the worker is."""
        return {
            "model": model,
            "digest": digest,
            "shape": list(case.input.shape),
            "threads": options.threads,
        }

    def python(self) -> str | None:
        """Return None: the worker runs in this interpreter."""
        return None

    def environ(self) -> dict[str, str]:
        """Return nothing: the worker needs no other environment."""
        return {}

    def device(self, options: Options) -> str | None:
        """Return None: a processor may be shared."""
        return None

    def soc(self, info: Mapping[str, Any]) -> str:
        """Return "cpu"."""
        return "cpu"


BACKEND = Reference()
