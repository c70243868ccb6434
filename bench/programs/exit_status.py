"""What an exit status of a program that returns an SDK error code means: a shell sees it modulo 256."""

from __future__ import annotations

import signal

from bench.sdk_codes import CODES, describe

SIGNAL_BASE = 128
"""A shell shows a program that a signal ended as 128 + the signal's number."""


def codes_of(status: int) -> tuple[int, ...]:
    """Return the SDK codes, other than 0, that a shell shows as this status (0..255), in the table's order."""
    return tuple(code for code in CODES if code != 0 and code % 256 == status)


def describe_exit(status: int) -> str:
    """Return one phrase on an exit status; negative (as Python's subprocess has it): ended by that signal.

    Never says that 0 is a success: the published Mcnn also ends with 0 without arguments and on code 1024.
    """
    if status < 0:
        return f"ended by {_signal(-status)}"
    if status == 0:
        return "exit status 0: no error, or no arguments, or an SDK code that 256 divides: " + " or ".join(
            describe(code) for code in codes_of(0)
        )
    possible = [describe(code) for code in codes_of(status)]
    if status > SIGNAL_BASE and (name := _signal(status - SIGNAL_BASE)):
        possible.insert(0, f"ended by {name}")
    return f"exit status {status}" + (f": {' or '.join(possible)}" if possible else "")


def table() -> dict[str, str]:
    """Return status (as text) -> phrase for all of 1..255 that mean something, for a worker's config."""
    return {str(status): describe_exit(status) for status in range(1, 256) if codes_of(status)}


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""
