"""Errors that a user can mend: printed as one line, without a traceback."""


class OmgateError(Exception):
    """What was seen, where, and the way out, in one line."""


class CaseError(OmgateError):
    """A case file that can't be used, or an option that does not fit the case."""
