"""om-sdk: the OM file in a MindX SDK stream, with the deliverable's own pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import sdk
from bench.backends.base import Availability, Options, worker_text
from bench.backends.on_sdk import OnSdk
from bench.sdk_codes import CODES
from cases.errors import OmgateError

if TYPE_CHECKING:
    from cases.case import Case


class OmSdk(OnSdk):
    """Runs the case's OM file through StreamManagerApi."""

    name = "om-sdk"
    depth: int | None = None

    def available(self, case: Case, options: Options) -> Availability:
        """Whether an SDK, the pipeline and an OM file that this SDK can run are here."""
        from bench import pipeline

        if case.sdk is None:
            return Availability(
                False, f"{case.path.name}:sdk is not set", "name the pipeline file: sdk.pipeline"
            )
        reason, way_out = sdk.missing(case)
        if reason:
            return Availability(False, reason, way_out)
        try:
            pipeline.load(case.sdk.pipeline, self.model_file(case, options), sdk.device(options.device))
        except OmgateError as error:
            return Availability(False, str(error), "correct the pipeline file")
        return Availability(True)

    def worker_source(self, case: Case) -> str:
        """Return the text of bench/workers/stream.py."""
        return worker_text("stream")

    def worker_config(self, case: Case, options: Options) -> dict[str, Any]:
        """Return the pipeline's text with this OM file and device in it, and the names that the worker drives it by."""
        home = sdk.find()
        assert home is not None, "available() comes first"
        return self.config_for(case, home, sdk.make_om(case, home), sdk.device(options.device))

    def config_for(
        self, case: Case, home: sdk.SdkHome, om: Path | None, device: int | None
    ) -> dict[str, Any]:
        """Return the same for an SDK and an OM file where the worker is."""
        from bench import pipeline

        assert case.sdk is not None, "available() comes first"
        found = pipeline.load(case.sdk.pipeline, om, device)
        return {
            "home": str(home.path),
            "version": home.version,
            "soc": home.soc,
            "pipeline": found.text,
            "stream": found.stream,
            "source": found.source,
            "infer": found.infer,
            "model": str(found.model),
            "device": found.device,
            "codes": {str(code): meaning for code, meaning in CODES.items()},
        }


BACKEND = OmSdk()
