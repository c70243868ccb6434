"""The rungs of an attribution as steps from one MAE to another."""

from __future__ import annotations

from markupsafe import Markup

from reports.attribution import FACTORS, Attribution
from reports.attribution import shown as adding_up
from reports.html import figure
from reports.html.figure import BAD, DIM, GOOD, INK

ROW_INCHES = 0.42


def waterfall(entry: Attribution, number: int) -> Markup:
    """A bar a rung from MAE before to MAE after, with its interval and its change in digits that add up."""
    said = adding_up(entry)
    made = figure.axes(height=0.6 + ROW_INCHES * max(1, len(entry.rungs)), left=1.35)
    values = [entry.mae_start, *(rung.mae_after for rung in entry.rungs)]
    span = max(values) - min(values) or 1.0
    for index, rung in enumerate(entry.rungs):
        low, high = sorted((rung.mae_before, rung.mae_after))
        made.barh(
            -index, high - low, left=low, height=0.56, color=BAD if rung.mae_change > 0 else GOOD, alpha=0.85
        )
        if rung.mae_low is not None and rung.mae_high is not None:
            ends = (rung.mae_before + rung.mae_low, rung.mae_before + rung.mae_high)
            made.plot(ends, (-index, -index), color=INK, linewidth=1)
            high = max(high, *ends)
        made.plot(
            (rung.mae_after, rung.mae_after), (-index - 1 + 0.28, -index + 0.28), color=DIM, linewidth=0.7
        )
        made.text(
            high + 0.02 * span,
            -index,
            said.changes[index].replace("-", "−"),
            va="center",
            color=INK,
            fontsize=7,
        )
    made.set_yticks(
        [-index for index in range(len(entry.rungs))], labels=[_name(rung.factors) for rung in entry.rungs]
    )
    made.tick_params(axis="y", length=0)
    made.grid(False, axis="y")
    left, right = made.get_xlim()
    made.set(
        xlabel="MAE, counts", xlim=(left, right + 0.14 * (right - left)), ylim=(-len(entry.rungs) + 0.4, 0.6)
    )
    made.spines["left"].set_visible(False)
    return figure.svg(made, f"waterfall-{number}", f"{entry.case}: change of MAE by factor")


def _name(names: tuple[str, ...]) -> str:
    # One factor is translated in the page, since it is a known text; several share a line and are cut at the line's end.
    words = [FACTORS[name][0] if name in FACTORS else name for name in names]  # type: ignore[index]
    return words[0] if len(words) == 1 else " +\n".join(names)
