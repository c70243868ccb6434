"""Reading a case file's TOML with a check on every value. Each complaint is one line, `file:key: what was seen, what is allowed, the nearest valid name`."""

from __future__ import annotations

import json
import math
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cases.errors import CaseError
from cases.wording import nearest, shown


def parse(path: Path) -> dict[str, object]:
    """A TOML file's content. Raises CaseError, with the line where it is known."""
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise CaseError(f"{shown(path)}: can't be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise CaseError(
            f"{shown(path)}:{line}: byte 0x{error.object[error.start]:02x} is no UTF-8; TOML is"
        ) from None
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        place = re.search(r"line ([0-9]+)", str(error))
        line_text = f":{place[1]}" if place else ""
        raise CaseError(f"{shown(path)}{line_text}: no TOML: {shown(' '.join(str(error).split()))}") from None


class Table:
    """One table of a file: hands out values of the right type, and refuses keys that do not exist.

    `keys` are every table's, by its dotted name, the top level's under ""; `kind` is the table's name there where it is not
    `prefix`: the second of [[gates]] is `gates[1]`.
    """

    def __init__(
        self,
        path: Path,
        prefix: str,
        values: Mapping[str, object],
        keys: Mapping[str, Sequence[str]],
        kind: str | None = None,
    ) -> None:
        self.path, self.prefix, self.values, self.keys = path, prefix, values, keys
        allowed = keys[prefix if kind is None else kind]
        for key in values:
            if key not in allowed:
                self._unknown(key, allowed)

    def _unknown(self, key: str, allowed: Sequence[str]) -> None:
        hint = nearest(key, allowed)
        homes = [table for table, keys in self.keys.items() if key in keys]
        if homes:
            hint = f"; it belongs under [{homes[0]}]" if homes[0] else "; it belongs above the first [table]"
        raise self.error(key, f"unknown key; allowed are {', '.join(allowed)}{hint}")

    def error(self, key: str, message: str) -> CaseError:
        dotted = f"{self.prefix}.{key}" if self.prefix else key
        return CaseError(f"{shown(self.path)}:{shown(dotted)}: {message}")

    def wrong(self, key: str, allowed: str, hint: str = "") -> CaseError:
        if key not in self.values:
            return self.error(key, f"missing; allowed is {allowed}")
        return self.error(key, f"seen {_seen(self.values[key])}; allowed is {allowed}{hint}")

    def text(self, key: str, default: str | None = None) -> str:
        value = self.values.get(key, default)
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise self.wrong(key, "a text of one line")
        return value

    def choice(self, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        value = self.values.get(key, default)
        if not isinstance(value, str) or value not in allowed:
            hint = nearest(value, allowed) if isinstance(value, str) else ""
            raise self.wrong(key, "one of " + ", ".join(f'"{name}"' for name in allowed), hint)
        return value

    def names(self, key: str, allowed: Sequence[str]) -> tuple[str, ...]:
        values = self.values.get(key)
        listed = ", ".join(f'"{name}"' for name in allowed)
        if not isinstance(values, list) or not values:
            raise self.wrong(key, f"a list with at least one of {listed}")
        for value in values:
            if value not in allowed:
                hint = nearest(value, allowed) if isinstance(value, str) else ""
                raise self.error(key, f"seen {_seen(value)}; allowed are {listed}{hint}")
            if values.count(value) > 1:
                raise self.error(key, f"seen {_seen(value)} twice; allowed is once")
        return tuple(values)

    def flag(self, key: str, default: bool) -> bool:
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def integer(self, key: str, least: int, most: int, default: int | None = None) -> int:
        value = self.values.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.wrong(key, f"a whole number from {least} to {most}")
        return value

    def number(self, key: str, above_zero: bool, default: float | None = None) -> float:
        value = _finite(self.values.get(key, default))
        if value is None or value < 0 or (above_zero and value == 0):
            raise self.wrong(key, "a number above 0" if above_zero else "a number, 0 or more")
        return value

    def table(self, key: str, required: bool = True) -> Table:
        value = self.values.get(key, None if required else {})
        dotted = f"{self.prefix}.{key}" if self.prefix else key
        if not isinstance(value, dict):
            raise self.wrong(key, f"a table, [{dotted}], with {', '.join(self.keys[dotted])}")
        return Table(self.path, dotted, value, self.keys)

    def tables(self, key: str) -> Iterator[Table]:
        """The tables of an array of tables, [[key]]: at least one."""
        values = self.values.get(key)
        if not isinstance(values, list) or not values or not all(isinstance(value, dict) for value in values):
            *others, last = self.keys[key]
            raise self.wrong(key, f"at least one [[{key}]] with {', '.join(others)} and {last}")
        for index, value in enumerate(values):
            yield Table(self.path, f"{key}[{index}]", value, self.keys, kind=key)

    def rising(self, key: str) -> tuple[float, ...]:
        """Numbers above 0, each larger than the one before; may be missing or none."""
        values = self.values.get(key, [])
        found = [_finite(value) for value in values] if isinstance(values, list) else [None]
        numbers = tuple(number for number in found if number is not None and number > 0)
        if len(numbers) != len(found) or list(numbers) != sorted(set(numbers)):
            raise self.wrong(key, "a list of rising numbers above 0, such as [100, 500]")
        return numbers

    def inside(self, key: str) -> Path:
        """A path, absolute; a relative one may not leave the model's folder (a link in it may)."""
        text = self.text(key)
        normal = os.path.normpath(text)
        if normal == ".." or normal.startswith("../"):
            raise self.error(
                key, f"seen {_seen(text)}, which leaves the model's folder; allowed is a path inside it"
            )
        return Path(os.path.normpath(self.path.parent / text))

    def file(self, key: str) -> Path:
        """A file that is there."""
        found = self.inside(key)
        if os.path.isfile(found):
            return found
        if os.path.isdir(found):
            raise self.error(key, f"{shown(found)} is a folder; allowed is a file")
        there = sorted(entry.name for entry in found.parent.iterdir()) if found.parent.is_dir() else []
        hint = nearest(found.name, there)
        raise self.error(
            key, f"no such file: {shown(found)}; allowed is a file in the model's folder{shown(hint)}"
        )


def _seen(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, str | bool) else str(value)
    return shown(text if len(text) <= 60 else text[:57] + "...")


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
