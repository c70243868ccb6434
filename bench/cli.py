"""The `omgate` command: what is here (doctor), what was run (runs), what counts (baseline), what is needed (prepare).

A thin layer: each command asks one function of a room and prints its answer. Errors are one line on stderr, exit code 2.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from cases.errors import OmgateError
from reports.errors import ReportError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from bench.environment import Environment

USED_WRONGLY = 2

HOUSE = Path(__file__).resolve().parents[1]
CASES = HOUSE / "cases"
RUNS = HOUSE / "reports" / "runs"


def main(argv: Sequence[str] | None = None, out: TextIO | None = None, err: TextIO | None = None) -> int:
    """Exit code of one `omgate` command line: 0, or 2 where it could not be done as asked.

    `argv` without the program's name (default: the process's), `out` and `err` instead of the process's streams.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    with contextlib.ExitStack() as streams:
        if out is not None:
            streams.enter_context(contextlib.redirect_stdout(out))
        if err is not None:
            streams.enter_context(contextlib.redirect_stderr(err))
        try:
            code = app(args=arguments or ["--help"], prog_name="omgate", standalone_mode=False)
        except (OmgateError, ReportError) as error:
            return _refuse(str(error))
        except typer.Abort:
            return _refuse("stopped")
        except BrokenPipeError:  # `omgate runs | head`
            sys.stdout = None  # type: ignore[assignment]  # nothing more can be written, at exit either
            return 0
        except Exception as error:
            # typer's own errors: unknown options and missing arguments; anything else is a bug and keeps its traceback
            message = getattr(error, "format_message", None)
            if message is None:
                raise
            context = getattr(error, "ctx", None)
            asked = context.command_path if context is not None else "omgate"
            return _refuse(f"{' '.join(str(message()).split())} (see: {asked} --help)")
        return code if isinstance(code, int) else 0


def _refuse(message: str) -> int:
    print(f"omgate: {message}", file=sys.stderr)
    return USED_WRONGLY


app = typer.Typer(
    name="omgate",
    help="""Is the delivered model still as good as the checkpoint, and as good as last night?

    `pytest bench/` measures; omgate shows what is here, what was measured, and what counts as the baseline.

    \b
    Examples:
      omgate doctor                                what is here, what is missing, how to get it
      pytest bench/ --label cann-8.0               measure every case on every backend that can run here
      omgate runs                                  what was measured
      omgate baseline promote cann-8.0 --reason "driver update, same counts"
    """,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
runs_app = typer.Typer(rich_markup_mode=None)
baseline_app = typer.Typer(rich_markup_mode=None)
prepare_app = typer.Typer(rich_markup_mode=None)

Json = Annotated[bool, typer.Option("--json", help="Machine-readable: one JSON document.")]
RunDir = Annotated[Path, typer.Option("--run-dir", help="Where run records are.", show_default="reports/runs")]
CaseName = Annotated[str | None, typer.Option("--case", metavar="NAME", help="Only this case.")]
BackendName = Annotated[str | None, typer.Option("--backend", metavar="NAME", help="Only this backend.")]


def _console() -> Console:
    """A console on stdout; wide where nobody looks at it through a terminal, so that a pipe gets whole lines."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else 160)


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        name, _, right = column.partition(">")
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    return table


def _print_json(value: Any) -> None:
    import msgspec

    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


@app.command()
def doctor(json: Json = False) -> None:
    """What is here, what each backend lacks, and how to get it.

    \b
    Examples:
      omgate doctor
      omgate doctor --json | python -m json.tool
    """
    from bench.doctor import examine

    found = examine(CASES)
    if json:
        _print_json(found)
        return
    console = _console()
    machine = _table("machine", "")
    for name, value in _machine(found.environment):
        machine.add_row(name, value or "[dim]not found[/dim]")
    console.print(machine)
    sets = _table("case", "test set", "")
    for case in found.cases:
        images = f"{case.images} images" if case.images is not None else "not here"
        sets.add_row(case.name, f"{images}{', synthetic' if case.synthetic else ''}", case.missing or "")
    console.print("", sets)
    backends = _table("case", "backend", "can run", "baselines", "what is missing, and the way out")
    for state in found.backends:
        missing = "; ".join(text for text in (state.reason, state.way_out) if text)
        stored = ", ".join(state.baselines) or "none"
        backends.add_row(state.case, state.backend, "yes" if state.available else "no", stored, missing)
    console.print("", backends)
    for problem in found.problems:
        console.print(f"\n{problem}", markup=False)


def _machine(found: Environment) -> list[tuple[str, str | None]]:
    host = found.host
    memory = f"{host.memory_bytes / 1024**3:.0f} GiB" if host.memory_bytes else None
    versions = [f"{name} {version}" for name, version in found.packages.items() if name != "mindspore"]
    axes = found.axes()
    return [
        ("host", ", ".join(text for text in (host.name, host.os, host.architecture, memory) if text)),
        ("processor", found.processor_key()),
        ("container", axes["container"]),
        ("python", f"{found.python}; {', '.join(versions)}"),
        ("framework", found.framework),
        ("devices", axes["devices"] or ("no Ascend device" if found.soc == "cpu" else None)),
        ("soc", found.soc),
        ("driver, firmware", ", ".join(text for text in (found.driver, found.firmware) if text)),
        ("CANN", f"{axes['cann']} ({found.cann.path})" if found.cann else None),
        ("SDK", f"{axes['sdk'] or 'unknown version'} ({found.sdk.path})" if found.sdk else None),
    ]


@prepare_app.command("synthetic")
def prepare_synthetic(
    dest: Annotated[Path, typer.Argument(help="The folder to write; scenes that are there are kept.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first scene; the next ones count up.")] = 1000,
    count: Annotated[int, typer.Option(min=1, help="Number of scenes.")] = 24,
) -> None:
    """Draws synthetic crowd scenes in ShanghaiTech's layout. The same seeds give the same people and pictures.

    \b
    Examples:
      omgate prepare synthetic DEST --seed 1000 --count 200
      pytest bench/ --case mcnn-synthetic --data=DEST
    """
    from cases.synthetic import generate

    with _progress("scenes") as advance:
        people = generate(dest, range(seed, seed + count), progress=advance)
    print(f"{dest}: {count} synthetic scenes, {people:,} people; measure with: pytest bench/ --data={dest}")


@prepare_app.command("shanghaitech")
def prepare_shanghaitech(
    source: Annotated[Path, typer.Argument(help="ShanghaiTech as its archive unpacks: part_A_final, part_B_final.")],
    dest: Annotated[Path, typer.Argument(help="The folder to write; what is there and right is kept.")],
) -> None:
    """Converts ShanghaiTech's own .mat files to density CSVs, and holds what it finds against the published totals.

    \b
    Examples:
      omgate prepare shanghaitech ShanghaiTech cases/mcnn/data/shanghaitech
    """
    from cases.shanghaitech import convert

    with _progress("images") as advance:
        report = convert(source, dest, progress=lambda done, total, _name: advance(done, total))
    for part in report.parts:
        print(f"{part.name}: {part.train or 0} training and {part.test or 0} test images, {part.heads:,} heads")
    print(f"{dest}: {report.written} CSV files written, {report.kept} kept, {report.repaired} repaired")
    if report.clipped_points:
        print(f"note: {report.clipped_points} heads lie outside their image; they are counted at its border")
    for absent in report.absent:
        print(f"note: {absent} is not in {source}")
    for difference in report.differences:
        print(f"warning: {difference}")


@contextlib.contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, where that is a terminal; called with (done, total)."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
