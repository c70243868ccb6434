"""Errors that a user can mend: printed as one line, without a traceback."""


class ReportError(Exception):
    """What was seen, where, and the way out, in one line."""
