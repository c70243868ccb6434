"""The `omgate` command: what is here (doctor), what was run (runs), what counts (baseline), what is needed (prepare, convert, emulator).

A thin layer: each command asks a room and prints its answer. Errors are one line on stderr, exit code 2.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from typing import TextIO

import typer

from bench.commands import (
    baseline,
    container,
    convert,
    deliver,
    diff,
    doctor,
    emulator,
    export,
    import_,
    perfstats,
    prepare,
    report,
    runs,
    selftest,
    train,
    trend,
)
from bench.commands.common import USED_WRONGLY, group
from cases.errors import OmgateError
from reports.errors import ReportError

app = group(
    """Is the delivered model still as good as the checkpoint, and as good as last night?

    `pytest bench/` measures; omgate shows what is here, what was measured, and what counts as the baseline.

    \b
    Examples:
      omgate doctor                                what is here, what is missing, how to get it
      pytest bench/ --label cann-8.0               measure every case on every backend that can run here
      omgate runs                                  what was measured
      omgate baseline promote cann-8.0 --reason "driver update, same counts"
    """
)
app.command("doctor")(doctor.doctor)
app.add_typer(runs.app, name="runs")
app.command("report")(report.report)
app.command("diff")(diff.diff)
app.command("trend")(trend.trend)
app.add_typer(baseline.app, name="baseline")
app.add_typer(prepare.app, name="prepare")
app.command("train")(train.train)
app.command("export")(export.export)
app.command("container")(container.container)
app.add_typer(deliver.app, name="deliver")
app.command("convert")(convert.convert)
app.add_typer(emulator.app, name="emulator")
app.command("import")(import_.import_run)
app.command("perfstats")(perfstats.perfstats)
app.command("selftest")(selftest.selftest)


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
        except OSError as error:  # a full disk, a folder that may not be written
            where = f"{error.filename}: " if error.filename else ""
            return _refuse(f"{where}{error.strerror or error}")
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


if __name__ == "__main__":
    sys.exit(main())
