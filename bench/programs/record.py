"""Puts what a finished program printed into a run record, judged like a run of the harness's own, and stamped as imported.

Nobody here has seen the images that the program saw: the digests in the record are those of the case's images of the same names, and the
record says so. Counts hold no more digits than were printed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bench.programs.output import ImageOutput, ProgramOutput, half_unit
from cases.errors import OmgateError
from reports.accuracy import NUMERICS, compare_accuracy
from reports.image import ImageRecord
from reports.reasons import Reason, ReasonCode
from reports.verdict import Context, Gate, Verdict, cannot_tell, promote_command

if TYPE_CHECKING:
    from bench.progress import Bar
    from cases.case import Case
    from cases.dataset import Dataset, Prepared, Sample
    from reports.run import BackendEntry, CaseEntry

UNKNOWN = "unknown"
"""The `soc` of a run of which nobody has said where it was."""

CLAIMED = "claimed: of the case's images with these names, which the program is taken to have seen"

MEASURE = "measure with pytest bench/, and promote that run"

PROGRAMS = {"machine": "om-mxbase", "mcnn": "om-mxbase", "sdk-main": "om-sdk"}
"""Kind of output -> the backend that its program stands for."""

FP16 = "fp16"


@dataclass(frozen=True)
class Source:
    """An imported file: its path as given and its digest (SHA-256)."""

    file: str
    sha256: str


@dataclass(frozen=True)
class Imported:
    """What an import left: the record's folder, the run's id, the verdict, and the footnotes."""

    folder: Path
    run: str
    verdict: Verdict
    warnings: tuple[str, ...]


def store(
    output: ProgramOutput,
    sources: Sequence[Source],
    case: Case,
    backend: str,
    *,
    run_dir: Path,
    bar: Bar,
    soc: str = UNKNOWN,
    label: str = "",
) -> Imported:
    """Write the record of a finished run. Raises OmgateError where the output is not of this backend or of none of the case's images."""
    from bench.session import data_digest
    from reports.record import RunWriter
    from reports.run import Digests
    from reports.summary import summarise

    if PROGRAMS.get(output.kind) != backend:
        raise OmgateError(
            f"{sources[0].file}: is the output of {_program(output)}, which is of {PROGRAMS.get(output.kind)}: "
            f"seen --backend {backend}"
        )
    dataset = _dataset(case, bar)
    records, notes = _records(output, case, backend, dataset, bar)
    warnings = (*output.warnings, *notes, *_about(output, dataset), *_about_truth(output, records))
    names = tuple(record.image for record in records)
    expected = names if dataset is None else tuple(sample.name for sample in dataset.samples)
    with RunWriter.create(
        run_dir,
        label or "imported",
        options=_options(output, sources, case, backend, soc),
        environment={"soc": soc, "imported": True},
        cases=(_case_entry(case, expected),),
        backends=(_backend_entry(output, case, backend, soc),),
        digests=Digests(cases={case.name: case.digest()}, data={case.name: data_digest(records)}),
    ) as writer:
        for record in records:
            writer.append(record)
        writer.put_summary(case.name, backend, summarise(records, case.strata))
        verdict = _verdict(records, case, backend, soc, expected, writer.run.id)
        writer.put_verdict(case.name, backend, verdict)
        writer.warn(*warnings)
        writer.finish()
        return Imported(writer.folder, writer.run.id, verdict, writer.run.warnings)


def _dataset(case: Case, bar: Bar) -> Dataset | None:
    from bench.session import derive_truth
    from cases.dataset import Dataset

    if not case.data.present:
        return None
    derive_truth(case, bar)
    return Dataset.open(case.data.root)


# --- images -------------------------------------------------------------------------------------------------------------------


def _records(
    output: ProgramOutput, case: Case, backend: str, dataset: Dataset | None, bar: Bar
) -> tuple[list[ImageRecord], list[str]]:
    """The images of the case that the program has a line for, and what to say about the others."""
    if dataset is None:
        return [_unseen(image, case, backend) for image in output.images], []
    samples = {sample.image.name: sample for sample in dataset.samples if sample.image is not None}
    matched = [(image, samples[image.name]) for image in output.images if image.name in samples]
    strange = [image.name for image in output.images if image.name not in samples]
    if not matched:
        raise OmgateError(
            f"none of the {len(output.images)} images in it ({', '.join(strange[:3])}) is one of {case.name} in {case.data.root}; "
            "another --case, or the folder that the program ran on: --images=DIR"
        )
    notes = []
    if strange:
        notes.append(
            f"{len(strange)} entries are no images of {case.name} and are left out: {', '.join(strange[:5])}"
        )
    return list(_seen(matched, case, backend, bar)), notes


def _seen(
    matched: Sequence[tuple[ImageOutput, Sample]], case: Case, backend: str, bar: Bar
) -> list[ImageRecord]:
    from cases.dataset import SampleError, prepare
    from cases.ground_truth import TruthCache

    cache = TruthCache()
    records = []
    with bar.show(f"{case.name} images") as tick:
        for number, (image, sample) in enumerate(matched, 1):
            try:
                records.append(_with_truth(image, sample, prepare(sample, case, cache), case, backend))
            except SampleError as error:
                records.append(_record(image, sample.name, case, backend, error.code, str(error)))
            tick(number, len(matched))
    cache.close()
    return records


def _with_truth(
    image: ImageOutput, sample: Sample, prepared: Prepared, case: Case, backend: str
) -> ImageRecord:
    """The record of an image with the case's own ground truth, which must be the one that the program counted."""
    reason, detail = image.reason, image.detail
    true = prepared.true_count
    if reason == ReasonCode.MISSING_TRUTH and image.true == 0.0 and true == 0.0:
        reason = detail = ""  # nobody is there, and the label says so
    another = image.true is not None and abs(image.true - true) > _open(image, true)
    if not reason and another and not _is_running_sum(image, sample, prepared, case):
        reason = ReasonCode.BAD_TRUTH
        detail = f"the program's true count is {image.true:g}, the case's {true:.6g}: another label"
    record = _record(image, prepared.name, case, backend, reason, detail)
    return msgspec.structs.replace(
        record, true_count=true, geometry=prepared.geometry.as_dict(), digest=prepared.digest
    )


def _open(image: ImageOutput, true: float) -> float:
    """By how much a printed true count may be off: its digits, and a float32 sum over the pixels of a label."""
    return half_unit(image.true, image.precision_digits) + NUMERICS * max(1.0, abs(true))


def _is_running_sum(image: ImageOutput, sample: Sample, prepared: Prepared, case: Case) -> bool:
    """Whether the printed true count is the label's sum as the published Mcnn forms it: pixel by pixel in float32.

    Above a few hundred people pixels at a person's edge fall below the sum's last place, and the count may be a percent off.
    """
    import numpy as np

    from cases.ground_truth import TruthError, read

    if sample.truth is None or image.true is None:
        return False
    geometry = prepared.geometry
    try:
        label = read(sample.truth, (geometry.source_height, geometry.source_width), case.ground_truth.rule)
    except TruthError:
        return False
    running = float(np.add.accumulate(label.density.ravel(), dtype=np.float32)[-1])
    return abs(image.true - running) <= 1.01 * half_unit(image.true, image.precision_digits)


def _unseen(image: ImageOutput, case: Case, backend: str) -> ImageRecord:
    """The record of an image where the case's data are not here: without digest, so that nothing can be compared with it."""
    stem, dot, _ = image.name.rpartition(".")
    return _record(image, stem if dot else image.name, case, backend, image.reason, image.detail)


def _record(image: ImageOutput, name: str, case: Case, backend: str, reason: str, detail: str) -> ImageRecord:
    return ImageRecord(
        case=case.name,
        backend=backend,
        image=name,
        status="failed" if reason else "ok",
        reason=reason or None,
        detail=detail or None,
        true_count=image.true,
        predicted_count=image.predicted,
        seconds=dict(image.seconds),
        worker={"imported_line": image.line},
    )


# --- the run ------------------------------------------------------------------------------------------------------------------


def _verdict(
    records: Sequence[ImageRecord], case: Case, backend: str, soc: str, expected: tuple[str, ...], run: str
) -> Verdict:
    from bench.session import load_baseline

    if soc == UNKNOWN:
        return cannot_tell(
            ReasonCode.FINGERPRINT_DIFFERS,
            "it is not known on which processor the program ran",
            "import it again with --soc=NAME, such as Ascend310",
        )
    context = Context(
        run=run,
        case=case.name,
        backend=backend,
        soc=soc,
        case_digest=case.digest(),
        expected=expected,
        # Which processor and which decoder it was is not known; and six digits are not more than that leaves open.
        same_machine=False,
    )
    gates = tuple(
        Gate(gate.metric, gate.tolerance, "%" if gate.unit == "%" else "counts") for gate in case.gates
    )
    verdict = compare_accuracy(load_baseline(case, backend, soc, FP16), records, gates, context)
    reasons = tuple(_for_an_import(reason, run) for reason in verdict.reasons)
    return msgspec.structs.replace(verdict, reasons=reasons)


def _for_an_import(reason: Reason, run: str) -> Reason:
    """The reason with a way out that an imported run has: it can't be promoted, nor resumed."""
    advice = reason.advice
    if promote_command(run) in advice:
        advice = advice.replace(f"if it is meant: {promote_command(run)}", f"if it is meant: {MEASURE}")
        advice = MEASURE if promote_command(run) in advice else advice
    elif "--resume" in advice:
        advice = "run the program again on these images, or measure with pytest bench/"
    return msgspec.structs.replace(reason, advice=advice)


def _about(output: ProgramOutput, dataset: Dataset | None) -> list[str]:
    notes = []
    digits = min((image.precision_digits for image in output.images), default=0)
    if digits < 9:
        widest = max(output.images, key=lambda image: half_unit(image.predicted, digits))
        size = half_unit(widest.predicted, digits)
        below = f": a difference below {size:.2g} counts ({widest.name}) does not show" if size else ""
        notes.append(f"counts were printed with {digits} significant digits{below}")
    if dataset is None:
        notes.append(
            "the case's images are not here: nothing can be compared; name them with --images=DIR, or prepare them"
        )
    if output.rate is not None:
        notes.append(f"the program says {output.rate:.4g} images/s: {output.rate_region}")
    return notes


def _about_truth(output: ProgramOutput, records: Sequence[ImageRecord]) -> list[str]:
    """Says where the printed true counts are further from the labels' sums than their digits explain."""
    printed = {image.name.rpartition(".")[0]: image for image in output.images}
    found = []
    for record in records:
        image = printed.get(record.image)
        if record.status != "ok" or image is None or image.true is None or record.true_count is None:
            continue
        off = abs(image.true - record.true_count)
        if off > 2 * half_unit(image.true, image.precision_digits) + 1e-9 * record.true_count:
            found.append((off, image, record.true_count))
    if not found:
        return []
    off, image, exact = max(found, key=lambda entry: entry[0])
    return [
        f"the program's true counts are rounded sums, up to {off:.2g} counts off ({image.name}: {image.true:g} for {exact:.6g}): "
        "the figures here are from the labels' exact sums, not the printed ones"
    ]


def _options(
    output: ProgramOutput, sources: Sequence[Source], case: Case, backend: str, soc: str
) -> dict[str, Any]:
    return {
        "imported": [{"file": source.file, "sha256": source.sha256} for source in sources],
        "kind": output.kind,
        "printed_digits": min((image.precision_digits for image in output.images), default=None),
        "cases": [case.name],
        "backends": [backend],
        "soc": soc,
    }


def _case_entry(case: Case, expected: tuple[str, ...]) -> CaseEntry:
    from reports.run import CaseEntry

    return CaseEntry(
        name=case.name,
        images=expected,
        available=len(expected),
        title=case.title,
        title_zh=case.title_zh,
        synthetic=case.synthetic,
        data_overridden="data" in case.overridden,
        policy=case.preprocess.policy,
        ground_truth=case.ground_truth.rule,
    )


def _backend_entry(output: ProgramOutput, case: Case, backend: str, soc: str) -> BackendEntry:
    from reports.run import BackendEntry

    info = {
        "imported": True,
        "program": _program(output),
        "digests": CLAIMED,
        "printed_mae": output.final_mae,
        "printed_rmse": output.final_rmse,
        "printed_images_per_second": output.rate,
        "region": output.rate_region,
    }
    return BackendEntry(case=case.name, name=backend, soc=soc, precision=FP16, info=info)


def _program(output: ProgramOutput) -> str:
    return {
        "machine": "our Mcnn (machine lines)",
        "mcnn": "Mcnn (its log)",
        "sdk-main": "infer/sdk/main.py",
    }.get(output.kind, output.kind)
