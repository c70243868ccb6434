"""Arguments of the SDK's methods as SWIG takes them: positional, text as bytes, an overload chosen by the types.

The wording of a TypeError follows SWIG's habit; the exact text is unconfirmed.
"""

from __future__ import annotations

import struct
from typing import Any, Callable, Tuple

INT_MIN, INT_MAX = -(1 << 31), (1 << 31) - 1


def as_bytes(value: Any) -> bytes:
    """Return `value`; only bytes will do: strict SWIG takes neither str nor bytearray. Raises TypeError."""
    if not isinstance(value, bytes):
        raise TypeError("std::string const &")
    return value


def as_int(value: Any) -> int:
    """Return a C int. Raises TypeError, OverflowError."""
    if not isinstance(value, int):
        raise TypeError("int")
    if not INT_MIN <= value <= INT_MAX:
        raise OverflowError("int")
    return int(value)


def as_unsigned(value: Any, bits: int = 32) -> int:
    """Return an unsigned C integer. Raises TypeError, OverflowError."""
    if not isinstance(value, int):
        raise TypeError("unsigned int")
    if not 0 <= value < 1 << bits:
        raise OverflowError("unsigned int")
    return int(value)


def as_float(value: Any) -> float:
    """Return `value` rounded to a C float. Raises TypeError, OverflowError."""
    if not isinstance(value, (int, float)):
        raise TypeError("float")
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def pick(
    signatures: Tuple[Tuple[Callable[[Any], Any], ...], ...], name: str, args: Tuple[Any, ...]
) -> Tuple[int, Tuple[Any, ...]]:
    """Return which overload `args` fit, and the arguments as it takes them. Raises TypeError, which names the overloaded function."""
    for chosen, checks in enumerate(signatures):
        if len(checks) != len(args):
            continue
        try:
            return chosen, tuple(check(args[index]) for index, check in enumerate(checks))
        except (TypeError, OverflowError):
            continue
    raise TypeError(
        f"Wrong number or type of arguments for overloaded function 'StreamManagerApi_{name}'.\n"
        f"  Positional arguments alone, text as bytes; seen: ({', '.join(type(arg).__name__ for arg in args)})"
    )


def single(
    name: str, signature: Tuple[Tuple[str, Callable[[Any], Any]], ...], args: Tuple[Any, ...]
) -> Tuple[Any, ...]:
    """Return the arguments of a method with one signature of (C++ type, check). Raises TypeError and OverflowError."""
    if len(args) != len(signature):
        raise TypeError(f"StreamManagerApi_{name} expected {len(signature)} arguments, got {len(args)}")
    found = []
    for index, (cpp, check) in enumerate(signature):
        try:
            found.append(check(args[index]))
        except (TypeError, OverflowError) as error:
            # SWIG counts the object itself as argument 1.
            raise type(error)(
                f"in method 'StreamManagerApi_{name}', argument {index + 2} of type '{cpp}'"
            ) from None
    return tuple(found)


def as_struct(kind: type) -> Callable[[Any], Any]:
    """Return a check that passes `kind` alone, by reference."""

    def check(value: Any) -> Any:
        if not isinstance(value, kind):
            raise TypeError(kind.__name__)
        return value

    return check


def as_items(kind: type) -> Callable[[Any], Any]:
    """Return a check that passes a vector of type `kind`, or a plain sequence that one can be made from, as a list."""

    def check(value: Any) -> Any:
        if isinstance(value, kind):
            items: Any = value
            return list(items)
        if isinstance(value, (list, tuple)):
            made: Any = kind(value)
            return list(made)
        raise TypeError(kind.__name__)

    return check
