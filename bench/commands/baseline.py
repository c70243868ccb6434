"""`omgate baseline`: what counts, and making a run count."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.commands import common
from bench.commands.common import RUNS, BackendName, CaseName, Json, RunDir, console, group, print_json, table
from cases.errors import OmgateError
from reports.errors import ReportError

if TYPE_CHECKING:
    from reports.baseline import Baseline, BaselineFile


app = group(
    """What counts: the runs that people promoted, and why.

    \b
    Examples:
      omgate baseline list
      omgate baseline show --case mcnn-synthetic --backend reference
      omgate baseline promote cann-8.0 --reason "driver update, same counts"
      omgate baseline promote --undo --case mcnn-synthetic --backend ckpt
    """
)


@app.callback(invoke_without_command=True)
def baseline(context: typer.Context) -> None:
    """Lists, when nothing else is asked."""
    if context.invoked_subcommand is None:
        baseline_list()


@app.command("list")
def baseline_list(case: CaseName = None, backend: BackendName = None, json: Json = False) -> None:
    """Lists the stored baselines: of what, from which run, by whom, when and why."""
    files = _baseline_files(case, backend)
    broken = [file.problem or str(file.path) for file in files if file.baseline is None]
    found = [file.baseline for file in files if file.baseline is not None]
    if json:
        print_json({"baselines": [_without_images(item) for item in found], "problems": broken})
    elif found:
        screen = console()
        rows = table(
            "case",
            "backend",
            "soc",
            "precision",
            "images>",
            "MAE>",
            "MSE (root)>",
            "run",
            "who",
            "when",
            "why",
        )
        for item in found:
            numbers = ["-" if n is None else f"{n:.2f}" for n in (item.summary.mae, item.summary.rmse)]
            what = (item.case, item.backend, item.soc, item.precision, str(item.summary.n))
            rows.add_row(*what, *numbers, item.run, item.who, item.when[:10], item.reason)
        screen.print(rows)
    elif not broken:
        print(
            "no baseline yet; measure with `pytest bench/`, then: omgate baseline promote RUN --reason TEXT"
        )
    if broken:
        raise ReportError("; ".join(broken))


@app.command("show")
def baseline_show(case: CaseName = None, backend: BackendName = None, json: Json = False) -> None:
    """Shows baselines whole: numbers, counts of every image, and what they were promoted from before."""
    files = _baseline_files(case, backend)
    if not files:
        raise ReportError(
            f"no baseline of {_asked(case, backend)}; `omgate baseline list` shows what there is"
        )
    for file in files:
        if file.baseline is None:
            raise ReportError(file.problem or f"{file.path}: broken")
    found = [file.baseline for file in files if file.baseline is not None]
    if json:
        print_json(found)
        return
    screen = console()
    for item, file in zip(found, files, strict=True):
        screen.print(
            f"{item.case} on {item.backend}, {item.soc}, {item.precision}  ({file.path})", markup=False
        )
        screen.print(f"run {item.run}, by {item.who}, {item.when[:10]}: {item.reason}", markup=False)
        for note in item.notes:
            screen.print(f"note: {note}", markup=False)
        rows = table("image", "true>", "predicted>", "error>")
        for name, image in item.images.items():
            error = image.predicted_count - image.true_count
            rows.add_row(name, f"{image.true_count:.1f}", f"{image.predicted_count:.2f}", f"{error:+.2f}")
        screen.print("", rows, "")
        for earlier in reversed(item.history):
            screen.print(
                f"before: {earlier.run}, by {earlier.who}, {earlier.when[:10]}: {earlier.reason}",
                markup=False,
            )
        for undone in item.undone:
            text = f"taken back: {undone.run} ({undone.reason}), by {undone.undone_by}, {undone.undone_when[:10]}"
            screen.print(text, markup=False)


@app.command("promote")
def baseline_promote(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="Id, label or folder.", show_default=False)
    ] = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stays in the file.")] = "",
    case: CaseName = None,
    backend: BackendName = None,
    soc: Annotated[
        str | None, typer.Option("--soc", metavar="NAME", help="With --undo: which SoC's.")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take the last promotion back.")] = False,
    run_dir: RunDir = RUNS,
) -> None:
    """Makes a run the baseline: all that it measured, or one case or backend of it. Writes all or nothing.

    \b
    Refused, with the reason: incomplete, failed, not finite and limited runs, and runs on other data.
    Examples:
      omgate baseline promote cann-8.0 --reason "driver update, same counts"
      omgate baseline promote cann-8.0 --backend ckpt --reason "retrained with night scenes"
      omgate baseline promote --undo --case mcnn-synthetic --backend ckpt
    """
    if undo:
        if run is not None:
            raise OmgateError(
                "promote --undo takes no RUN: it takes back the last promotion of --case and --backend"
            )
        _undo(case, backend, soc)
        return
    if run is None:
        raise OmgateError(
            "promote: which RUN? `omgate runs` lists them (see: omgate baseline promote --help)"
        )
    if not reason.strip():
        raise OmgateError("promote: a promotion needs its why: --reason TEXT")
    _promote(run, reason, case, backend, run_dir)


def _promote(run: str, reason: str, case: str | None, backend: str | None, run_dir: Path) -> None:
    from reports.catalogue import find
    from reports.promotion import promote, refusals
    from reports.record import read

    record = read(find(run_dir, run))
    pairs = [
        (entry.case, entry.name)
        for entry in record.run.backends
        if case in (None, entry.case) and (backend == entry.name or (backend is None and entry.available))
    ]
    if not pairs:
        raise OmgateError(
            f"run {record.run.id} measured nothing of {_asked(case, backend)}; see: omgate runs show {run}"
        )
    folders = {name: _case_folder(name) for name, _ in pairs}
    refused = [
        f"{of_case} on {of_backend}: {item.message}{f' ({item.advice})' if item.advice else ''}"
        for of_case, of_backend in pairs
        for item in refusals(record, of_case, of_backend, folders[of_case])
    ]
    if refused:
        raise OmgateError(f"run {record.run.id} can't be promoted: {'; '.join(refused)}")
    who = _who()
    for of_case, of_backend in pairs:
        done = promote(record, of_case, of_backend, folders[of_case], reason=reason, who=who)
        print(
            f"{of_case} on {of_backend}: {done.replaced or 'no baseline'} -> {done.baseline.run}  ({done.path})"
        )
        for note in done.notes:
            print(f"note: {note}")


def _undo(case: str | None, backend: str | None, soc: str | None) -> None:
    from reports.promotion import undo

    if case is None or backend is None:
        raise OmgateError("promote --undo: of which baseline? name it with --case NAME --backend NAME")
    files = _baseline_files(case, backend)
    for file in files:
        if file.baseline is None:
            raise ReportError(file.problem or f"{file.path}: broken")
    found = [file.baseline for file in files if file.baseline and soc in (None, file.baseline.soc)]
    if not found:
        raise OmgateError(
            f"no baseline of {_asked(case, backend)}; `omgate baseline list` shows what there is"
        )
    if len(found) > 1:
        socs = ", ".join(f"{item.soc} ({item.precision})" for item in found)
        raise OmgateError(f"promote --undo: there are baselines of {socs}; name one with --soc NAME")
    item = found[0]
    before = undo(_case_folder(case), case, backend, item.soc, item.precision, who=_who())
    print(f"{case} on {backend}: {item.run} -> {before.run if before else 'no baseline'}")


def _asked(case: str | None, backend: str | None) -> str:
    return f"{case or 'any case'} on {backend or 'any backend'}"


def _case_folder(name: str) -> Path:
    """The baselines folder of the model that a case belongs to."""
    from cases.case import load_all

    for case in load_all(common.CASES):
        if case.name == name:
            return case.folder / "baselines"
    raise OmgateError(f"--case {name}: no case file under {common.CASES} has this name")


def _baseline_files(case: str | None, backend: str | None) -> list[BaselineFile]:
    """The baseline files of a case and a backend, broken ones among them; the names are those of folder and file."""
    from reports.baseline import list_baselines

    return [
        file
        for folder in sorted(common.CASES.glob("*/baselines"))
        for file in list_baselines(folder, case)
        if backend is None or file.path.name.startswith(f"{backend}-")
    ]


def _without_images(item: Baseline) -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(item)
    return {key: value for key, value in plain.items() if key not in ("images", "history", "undone")}


def _who() -> str:
    """Who promotes: git's user, since the file goes into its history; else the login."""
    import getpass
    import subprocess

    try:
        done = subprocess.run(
            ["git", "config", "user.name"],
            cwd=common.HOUSE,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        if done.stdout.strip():
            return done.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        pass
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
