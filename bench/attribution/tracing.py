"""Which cases an attribution is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.selection import Selected
    from cases.case import Case


@dataclass(frozen=True)
class Tracing:
    """A case whose difference is traced; `missing` says why that can't be here, empty where one of its backends can run."""

    case: Case
    missing: str = ""

    @property
    def name(self) -> str:
        """What the test is called."""
        return self.case.name


def tracings(selected: Sequence[Selected]) -> list[Tracing]:
    """One for each case of a run, in its order."""
    by_case: dict[str, list[Selected]] = {}
    for item in selected:
        by_case.setdefault(item.case.name, []).append(item)
    return [
        Tracing(items[0].case, items[0].missing if all(item.missing for item in items) else "")
        for items in by_case.values()
    ]
