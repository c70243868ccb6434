"""A progress bar that shows only where somebody watches: on a terminal, and gone when the work is done."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

Tick = Callable[[int, int], None]


class Bar:
    """Progress of one piece of work after another; silent in pipes, in CI logs and with -q."""

    def __init__(
        self, uncaptured: Callable[[], AbstractContextManager[object]] | None = None, quiet: bool = False
    ):
        """`uncaptured` opens pytest's capture for a moment, so that the bar reaches the terminal."""
        self._uncaptured = uncaptured or contextlib.nullcontext
        self._quiet = quiet

    @contextlib.contextmanager
    def show(self, title: str, done: int = 0) -> Iterator[Tick]:
        """Gives `tick(done, total)`, which draws. `done` is where resumed work starts."""
        if self._quiet:
            yield lambda done, total: None
            return
        with self._uncaptured():
            if not sys.stderr.isatty():
                yield lambda done, total: None
                return
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            sys.stderr.write("\n")  # pytest's own line stays whole
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
                task = progress.add_task(title, completed=done)
                yield lambda done, total: progress.update(task, completed=done, total=total)
