"""How the errors of a case are distributed, a row of bars for each backend; and by crowd size."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from reports.html import figure, shown
from reports.html.download import Value
from reports.html.figure import BAD, DIM, INK, SERIES
from reports.html.source import Source
from reports.html.table import Cell, Column, Row, Table, make
from reports.html.words import Both
from reports.run import CaseEntry
from reports.summary import Stratum

ROW_INCHES = 0.62
FEWEST_BINS, MOST_BINS = 12, 48


def distribution(source: Source, case: CaseEntry, number: int) -> Markup | None:
    """Histograms of predicted - true on one axis, a row a backend; None where nothing was measured."""
    import numpy as np

    errors = {backend: _errors(source, case.name, backend) for backend in source.backends(case.name)}
    errors = {backend: found for backend, found in errors.items() if found}
    if not errors:
        return None
    everything = np.concatenate([np.asarray(found) for found in errors.values()])
    fewest = min(len(found) for found in errors.values())
    bins = min(MOST_BINS, max(FEWEST_BINS, round(2 * fewest ** (1 / 3)) * 2))
    low, high = float(everything.min()), float(everything.max())
    if low == high:
        low, high = low - 1, high + 1
    made = figure.axes(height=0.65 + ROW_INCHES * len(errors), left=0.95)
    edges = np.linspace(low, high, bins + 1)
    heights = {backend: np.histogram(found, edges)[0] / len(found) for backend, found in errors.items()}
    tallest = max(float(values.max()) for values in heights.values())
    for index, (backend, values) in enumerate(heights.items()):
        base = -float(index)
        made.bar(
            edges[:-1],
            values / tallest * 0.82,
            width=np.diff(edges),
            bottom=base,
            align="edge",
            color=SERIES[0],
            alpha=0.85,
        )
        middle = float(np.median(errors[backend]))
        made.plot([middle, middle], [base, base + 0.88], color=INK, linewidth=1.2)
    made.axvline(0, color=BAD, linewidth=0.9, linestyle=(0, (4, 2)), zorder=3)
    made.set_yticks([-index + 0.35 for index in range(len(errors))], labels=list(errors))
    made.tick_params(axis="y", length=0)
    for text in made.get_yticklabels():
        text.set_color(DIM)
    made.set(ylim=(-len(errors) + 0.9, 1.0), xlabel="error (predicted − true), counts")
    made.grid(False, axis="y")
    made.spines["left"].set_visible(False)
    return figure.svg(
        made, f"errors-{number}", f"{case.name}: distribution of the errors, a row for each backend"
    )


def _errors(source: Source, case: str, backend: str) -> list[float]:
    return [record.error for record in source.images(case, backend) if record.status == "ok"]


STRATA_HEADER = (
    "case",
    "backend",
    "true_count_above",
    "true_count_up_to",
    "images",
    "mae_counts",
    "rmse_counts",
    "bias_counts",
)


def strata(source: Source, case: CaseEntry, number: int) -> Table | None:
    """MAE and bias by true count, a row a stratum, two columns a backend; None where the case has no strata."""
    by_backend = {}
    for backend in source.backends(case.name):
        summary = source.run.summary(case.name, backend)
        if summary is not None and len(summary.strata) > 1:
            by_backend[backend] = summary.strata
    if not by_backend:
        return None
    shape = next(iter(by_backend.values()))
    alike = {backend: found for backend, found in by_backend.items() if len(found) == len(shape)}
    columns = [
        Column(Both("True count", "真实人数")),
        Column(Both("Images", "图片"), number=True),
        *(
            Column(Both(backend, backend), unit=Both("MAE, bias", "MAE，偏差"), number=True)
            for backend in alike
        ),
    ]
    rows = [_stratum_row(index, stratum, list(alike.values())) for index, stratum in enumerate(shape)]
    data: list[Sequence[Value]] = [
        (case.name, backend, stratum.low, stratum.high, stratum.n, stratum.mae, stratum.rmse, stratum.bias)
        for backend, found in by_backend.items()
        for stratum in found
    ]
    title = Both(f"By crowd size, {case.name}", f"按人群规模，{case.name}")
    note = Both(
        "MAE and, under it, the mean error (bias), in counts.", "MAE，其下为平均误差（偏差），单位为人。"
    )
    return make(f"strata-{number}", title, columns, rows, STRATA_HEADER, data, note)


def _stratum_row(index: int, stratum: Stratum, backends: Sequence[Sequence[Stratum]]) -> Row:
    upper = "∞" if stratum.high is None else f"{stratum.high:g}"
    numbers = [found[index] for found in backends]
    return Row(
        (
            Cell(
                f"{stratum.low:g} – {upper}" if stratum.high is not None else f"> {stratum.low:g}",
                order=stratum.low,
            ),
            Cell(shown.thousands(stratum.n), order=stratum.n),
            *(
                Cell(
                    shown.count(one.mae),
                    shown.signed(one.bias) if one.bias is not None else "",
                    one.mae if one.mae is not None else float("inf"),
                )
                for one in numbers
            ),
        )
    )
