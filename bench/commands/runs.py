"""`omgate runs`: lists, shows and clears run records."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bench.commands import common
from bench.commands.common import RUNS, USED_WRONGLY, Json, RunDir, console, group, print_json, table

if TYPE_CHECKING:
    from reports.catalogue import RunEntry
    from reports.run import Run


app = group(
    """What was measured. A RUN is named by its id, its label (the newest with it) or its folder.

    \b
    Examples:
      omgate runs                       all of them, the newest first
      omgate runs show cann-8.0         one of them
      omgate runs prune --keep 20       clears old ones, never one that a baseline was promoted from
    """
)


@app.callback(invoke_without_command=True)
def runs(context: typer.Context, run_dir: RunDir = RUNS, json: Json = False) -> None:
    """Lists, when nothing else is asked; `omgate runs --json` is `omgate runs list --json`."""
    if context.invoked_subcommand is None:
        runs_list(run_dir, json)


@app.command("list")
def runs_list(run_dir: RunDir = RUNS, json: Json = False) -> None:
    """Lists the runs, the newest first, with their verdicts."""
    from reports.catalogue import list_runs, unreadable_runs

    entries = list_runs(run_dir)
    if json:
        print_json([entry.run for entry in entries])
        return
    screen = console()
    if not entries:
        screen.print(f"no runs in {run_dir}; record one with: pytest bench/", markup=False)
    else:
        rows = table("run", "label", "state", "verdicts")
        for entry in entries:
            rows.add_row(entry.run.id, entry.run.label, _state(entry), _verdicts(entry.run))
        screen.print(rows)
    for folder, problem in unreadable_runs(run_dir):
        screen.print(f"not readable: {folder}: {problem}", markup=False)


def _state(entry: RunEntry) -> str:
    if entry.run.finished is not None:
        limits = [case.limit for case in entry.run.cases if case.limit is not None]
        return f"finished, first {limits[0]} images only" if limits else "finished"
    return "running" if entry.running else "interrupted: --resume"


def _verdicts(run: Run) -> str:
    """By case and backend; what is said of speed is told apart from accuracy, which a status alone stands for."""
    found: dict[tuple[str, str], list[str]] = {}
    for item in run.verdicts:
        kind = "" if item.kind == "accuracy" else f"{item.kind} "
        found.setdefault((item.case, item.backend), []).append(f"{kind}{item.verdict.status}")
    return (
        "; ".join(f"{case} {backend}: {', '.join(told)}" for (case, backend), told in found.items())
        or "none yet"
    )


@app.command("show")
def runs_show(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Id, label (the newest with it) or folder.")],
    run_dir: RunDir = RUNS,
    json: Json = False,
) -> None:
    """Shows one run: its verdicts with their reasons, its numbers, its failed images."""
    from reports.catalogue import find
    from reports.record import read

    record = read(find(run_dir, run))
    found = record.run
    if json:
        print_json(found)
        return
    screen = console()
    screen.print(f"{found.id}  ({record.folder})", markup=False)
    for item in found.verdicts:
        screen.print(f"\n{item.case} on {item.backend}, {item.kind}: {item.verdict.status}", markup=False)
        for reason in item.verdict.reasons:
            screen.print(f"  {reason.code}: {reason.message}; {reason.advice}", markup=False)
    rows = table("case", "backend", "images>", "failed>", "MAE>", "MSE (root)>", "bias>", "images/s>")
    for entry in found.summaries:
        summary = entry.summary
        numbers = (summary.mae, summary.rmse, summary.bias, summary.images_per_second)
        shown = ["-" if value is None else f"{value:.2f}" for value in numbers]
        rows.add_row(entry.case, entry.backend, str(summary.n), str(summary.failed), *shown)
    screen.print("", rows)
    for image in record.images:
        if image.status != "ok":
            where = f"{image.case} on {image.backend}, {image.image}"
            screen.print(f"failed: {where}: {image.reason}: {image.detail}", markup=False)
    for warning in found.warnings:
        screen.print(f"note: {warning}", markup=False)


@app.command("prune")
def runs_prune(
    keep: Annotated[int | None, typer.Option(min=0, help="Keep the newest N.")] = None,
    older_than: Annotated[
        int | None, typer.Option(min=0, metavar="DAYS", help="Only those older than this.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go; remove nothing.")] = False,
    run_dir: RunDir = RUNS,
) -> None:
    """Removes old runs, never one that a baseline was promoted from, never one that is being written.

    \b
    Examples:
      omgate runs prune --keep 20 --dry-run
      omgate runs prune --older-than 90
    """
    from datetime import timedelta

    from reports.baseline import promoted_ids
    from reports.catalogue import prune

    protected = promoted_ids(sorted(common.CASES.glob("*/baselines")))
    age = None if older_than is None else timedelta(days=older_than)
    done = prune(run_dir, keep=keep, older_than=age, protected=protected, dry_run=dry_run)
    for run in done.removed:
        print(f"{'would remove' if dry_run else 'removed'} {run}")
    for run in done.promoted:
        print(f"kept {run}: a baseline was promoted from it")
    for run in done.running:
        print(f"kept {run}: it is being written")
    for run, why in done.failed.items():
        print(f"omgate: {run} could not be removed: {why}", file=sys.stderr)
    if not any((done.removed, done.promoted, done.running, done.failed)):
        print("nothing to remove")
    if done.failed:
        raise typer.Exit(USED_WRONGLY)
