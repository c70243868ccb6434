from __future__ import annotations

import json
import random
from html.parser import HTMLParser

import msgspec
import pytest

from reports.errors import ReportError
from reports.trend.build import trend
from reports.trend.html import trend_html
from reports.trend.model import Series, Trend
from reports.trend.terminal import trend_text
from reports.trend.words import sparkline

NASTY = "<img src=x onerror=alert(1)>[red]x[/red]\x1b[31m$\\alpha$"


def only(found: Trend, metric: str) -> Series:
    (series,) = [series for series in found.series if series.metric == metric]
    return series


def latencies(count: int, median: float = 0.010, seed: int = 0) -> list[float]:
    drawn = random.Random(seed)
    return [median * (1 + drawn.gauss(0, 0.01)) for _ in range(count)]


def test_the_figures_of_every_run_the_oldest_first(history) -> None:
    ids = [history.night(mae) for mae in (3.0, 3.0, 2.0)]
    series = only(trend(history.folder), "mae")
    assert [(point.run, point.value) for point in series.points] == list(
        zip(ids, (3.0, 3.0, 2.0), strict=True)
    )
    assert (series.case, series.backend, series.soc, series.unit, series.kind) == (
        "demo", "om-sdk", "Ascend310", "counts", "exact",
    )  # fmt: skip


def test_every_change_of_an_exact_figure_is_one_and_says_what_changed_with_it(history) -> None:
    history.night(3.0)
    history.night(3.0 + 1e-7, cann="8.5")
    last = history.night(3.3, cann="8.5", om="om-2")
    series = only(trend(history.folder), "mae")
    (change,) = series.changes
    assert (change.index, change.run, change.beside) == (2, last, ("model",))
    assert change.change == pytest.approx(0.1)
    assert [(event.index, event.axis, event.new) for event in series.events] == [
        (1, "cann", "nnrt 8.5"),
        (2, "model", "om-2"),
    ]


def test_a_change_that_was_taken_back_is_told_with_each_of_its_two_causes(history) -> None:
    from reports.trend.words import beside

    for mae, om in ((3.0, "om-1"), (3.3, "om-2"), (3.0, "om-1")):
        history.night(mae, om=om)
    series = only(trend(history.folder), "mae")
    assert [beside(series, change) for change in series.changes] == [
        "model om-1 -> om-2",
        "model om-2 -> om-1",
    ]


def test_another_processor_is_allowed_its_numerics(history) -> None:
    history.night(3.0)
    history.night(3.05, processor="Xeon")
    assert only(trend(history.folder), "mae").changes == ()
    history.night(3.1, processor="Xeon")
    assert len(only(trend(history.folder), "mae").changes) == 1


def test_other_data_begin_anew(history) -> None:
    for mae in (3.0, 3.0):
        history.night(mae)
    for mae in (7.0, 7.0):
        history.night(mae, data="e")
    series = only(trend(history.folder), "mae")
    assert series.changes == ()
    assert [(event.index, event.axis) for event in series.events] == [(2, "data")]


def test_a_slower_model_is_a_change_point_of_its_latency(history) -> None:
    history.nights_of(latencies(20))
    history.nights_of(latencies(20, 0.011, seed=1), om="om-2")
    series = only(trend(history.folder), "latency/single-stream")
    (change,) = series.changes
    assert change.index == 20
    assert change.change == pytest.approx(0.1, abs=0.01)
    assert change.beside == ("model",)


def test_a_reboot_does_not_split_the_history(history) -> None:
    for boot, value in enumerate(latencies(20)):
        history.night(latency=value, boot=boot, host=f"container-{boot}")
    series = only(trend(history.folder), "latency/single-stream")
    assert (len(series.points), series.events) == (20, ())


def test_another_machine_has_a_line_of_its_own_for_times_alone(history) -> None:
    for processor in ("A", "B"):
        history.nights_of(latencies(3), processor=processor)
    found = trend(history.folder)
    times = [series for series in found.series if series.metric == "latency/single-stream"]
    assert [(len(series.points), series.machine[:23]) for series in times] == [
        (3, "Ascend310, 1 x 310, A, "),
        (3, "Ascend310, 1 x 310, B, "),
    ]
    assert len(only(found, "mae").points) == 6
    assert "2 machines" in trend_text(found)


def test_emulated_and_device_are_apart(history) -> None:
    history.night(3.0)
    history.night(9.0, soc="emulated")
    assert [series.soc for series in trend(history.folder, metric="mae").series] == ["Ascend310", "emulated"]


def test_too_few_runs_say_so(history) -> None:
    history.night(latency=0.01)
    assert "one run only" in only(trend(history.folder), "mae").note
    history.nights_of(latencies(5))
    found = trend(history.folder)
    assert (
        only(found, "latency/single-stream").note
        == "6 runs: too few to tell a change from noise, which takes 12"
    )
    assert only(found, "mae").note == ""
    assert "too few to tell" in trend_text(found)


def test_killed_and_limited_runs_are_counted_and_left_out(history) -> None:
    history.night(3.0)
    history.night(4.0, finished=False)
    history.night(5.0, limit=3)
    (history.folder / "broken").mkdir()
    (history.folder / "broken" / "run.json").write_text("{")
    found = trend(history.folder)
    assert (found.runs, found.left_out) == (1, {"not finished": 1, "limited": 1, "not readable": 1})
    assert trend_text(found).startswith(
        f"1 runs in {history.folder}; left out: 1 limited, 1 not finished, 1 not readable"
    )


def test_only_what_was_asked_for(history) -> None:
    history.night(latency=0.01, rate=5.0)
    history.night(backend="ckpt", case="other")
    assert {series.case for series in trend(history.folder, case="other").series} == {"other"}
    assert {series.backend for series in trend(history.folder, backend="om-sdk").series} == {"om-sdk"}
    assert [series.metric for series in trend(history.folder, metric="rmse", case="demo").series] == ["rmse"]
    usual = [series.metric for series in trend(history.folder, case="demo").series]
    assert usual == ["mae", "rmse", "images_per_second", "latency/single-stream"]


def test_baselines_are_marked(history) -> None:
    first, second = history.night(), history.night()
    found = trend(history.folder, promoted={("demo", "om-sdk"): {second}, ("demo", "ckpt"): {first}})
    assert [point.baseline for point in only(found, "mae").points] == [False, True]
    assert f"baseline: {second}" in trend_text(found)


def test_an_empty_folder_says_how_to_begin(tmp_path) -> None:
    assert "pytest bench/" in trend_text(trend(tmp_path / "none"))
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError):
        trend(tmp_path / "file")


def test_a_trend_can_be_read_back(history) -> None:
    history.nights_of(latencies(15))
    found = trend(history.folder)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Trend) == found


class Parsed(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_holds_names_as_text_and_asks_for_nothing(history) -> None:
    history.night(3.0, case=NASTY, label=NASTY, om=NASTY, host=NASTY)
    history.night(4.0, case=NASTY, label=NASTY, om="x", processor=NASTY)
    page = Parsed(trend_html(trend(history.folder)))
    tags = [tag for tag, _ in page.tags]
    assert "svg" in tags
    assert tags.count("script") == 1
    assert not set(tags) & {"img", "iframe", "object"}
    links = {found["href"] for _, found in page.tags if "href" in found}
    assert all(str(link).startswith("#") or link == "data:," for link in links)
    assert not [name for _, found in page.tags for name in found if name.startswith("on")]
    assert "<img src=x onerror=alert(1)>" in page.text
    assert "\x1b" not in page.text
    assert "趋势" in page.text


def test_the_page_is_the_same_every_time(history) -> None:
    history.nights_of(latencies(15))
    assert trend_html(trend(history.folder)) == trend_html(trend(history.folder))


def test_the_terminal_holds_names_as_text(history) -> None:
    history.night(3.0, case=NASTY)
    history.night(4.0, case=NASTY)
    text = trend_text(trend(history.folder), 200)
    assert "\x1b" not in text
    assert "[red]x[/red]" in text
    assert "MAE: 3.00 -> 4.00 (+33.3 %), worse" in text
    assert "nothing recorded changed with it" in text


@pytest.mark.parametrize(
    ("values", "shown"),
    [([1.0], "▄"), ([1.0, 1.0], "▄▄"), ([0.0, 7.0], "▁█"), ([1.0, 1.0, 3.0, 3.0, 5.0, 5.0], "▁▅█")],
)
def test_a_sparkline(values: list[float], shown: str) -> None:
    assert sparkline(values, 3) == shown


def test_speeds_have_the_names_that_verdicts_give_them(history) -> None:
    run = history.folder / history.night(latency=0.01) / "run.json"
    content = json.loads(run.read_text())
    (single,) = content["timings"]
    content["timings"] = [
        {**single, "p90": 0.02},
        {**single, "scenario": "pipelined", "depth": 4, "images_per_second": 50.0},
        {**single, "scenario": "sweep", "depth": 8, "images_per_second": 60.0},
    ]
    run.write_text(json.dumps(content))
    found = [series.metric for series in trend(history.folder).series if series.kind == "noisy"]
    assert found == ["latency/single-stream", "latency-p90/single-stream", "throughput/pipelined-4"]
    (sweep,) = trend(history.folder, metric="throughput/sweep-8").series
    assert (sweep.points[0].value, sweep.worse) == (60.0, -1)


def test_another_clock_is_another_line(history) -> None:
    runs = [history.folder / history.night(latency=0.01) / "run.json" for _ in range(2)]
    content = json.loads(runs[1].read_text())
    content["timings"][0]["clock"] = "device"
    runs[1].write_text(json.dumps(content))
    assert len(trend(history.folder, metric="latency/single-stream").series) == 2


def test_synthetic_data_are_called_so(history) -> None:
    run = history.folder / history.night() / "run.json"
    assert "synthetic data" not in trend_text(trend(history.folder))
    content = json.loads(run.read_text())
    content["cases"][0]["synthetic"] = True
    run.write_text(json.dumps(content))
    assert "demo on om-sdk (Ascend310, fp16, synthetic data)" in trend_text(trend(history.folder))
