"""Each option of pytest-benchmark: it bounds the measurement, or it is refused in words, or it is pytest-benchmark's own."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from bench.latency.bounds import IMAGES, LEAST, MOST, SECONDS, Bounds
from bench.latency.options import REFUSED, OptionError, bounds_of, is_skipped, refuse, typed, value_of

pytest_plugins = ("pytester",)

BOUNDING = {
    "--benchmark-min-rounds",
    "--benchmark-max-time",
    "--benchmark-precision",
    "--benchmark-confidence",
    "--benchmark-warmup",
    "--benchmark-warmup-iterations",
    "--benchmark-disable-gc",
}
"""Tested here."""

CHOOSING = {"--benchmark-skip", "--benchmark-only", "--benchmark-disable", "--benchmark-enable"}
OWN = {
    "--benchmark-save", "--benchmark-autosave", "--benchmark-save-data", "--benchmark-json", "--benchmark-compare",
    "--benchmark-compare-fail", "--benchmark-storage", "--benchmark-netrc", "--benchmark-sort", "--benchmark-group-by",
    "--benchmark-columns", "--benchmark-name", "--benchmark-time-unit", "--benchmark-histogram", "--benchmark-verbose",
    "--benchmark-quiet",
}  # fmt: skip
"""These two kinds are tested in tests/bench/test_latency_options.py."""


def bounds(pytester: pytest.Pytester, *arguments: str) -> Bounds:
    return bounds_of(pytester.parseconfig(*arguments))


def test_every_option_that_pytest_benchmark_has_is_known_here(pytester: pytest.Pytester) -> None:
    groups = pytester.parseconfig()._parser._groups
    (group,) = (group for group in groups if group.name == "benchmark")
    names = {name for option in group.options for name in option.names()}
    assert names == BOUNDING | CHOOSING | OWN | set(REFUSED)


def test_without_options_a_measurement_is_short(pytester: pytest.Pytester) -> None:
    assert bounds(pytester) == Bounds(least=LEAST, most=IMAGES, seconds=SECONDS, confidence=0.99)


def test_rounds_are_images_at_any_price(pytester: pytest.Pytester) -> None:
    found = bounds(pytester, "--benchmark-min-rounds=700")
    assert (found.least, found.most) == (700, 700)


def test_pytest_benchmarks_own_default_counts_where_it_is_typed(pytester: pytest.Pytester) -> None:
    found = bounds(pytester, "--benchmark-max-time=1.0")
    assert (found.least, found.most, found.seconds) == (LEAST, MOST, 1.0)
    assert bounds(pytester, "--benchmark-min-rounds", "5").most == 5


def test_rounds_and_time_together(pytester: pytest.Pytester) -> None:
    found = bounds(pytester, "--benchmark-min-rounds=50", "--benchmark-max-time=60")
    assert (found.least, found.most, found.seconds) == (50, MOST, 60.0)


def test_a_precision_lifts_the_number_of_images(pytester: pytest.Pytester) -> None:
    found = bounds(pytester, "--benchmark-precision=0.02", "--benchmark-confidence=0.95")
    assert (found.precision, found.confidence, found.most, found.seconds) == (0.02, 0.95, MOST, SECONDS)


@pytest.mark.parametrize(
    ("arguments", "most"),
    [
        ((), MOST),
        (("--benchmark-warmup",), MOST),
        (("--benchmark-warmup=on",), MOST),
        (("--benchmark-warmup=auto",), MOST),
        (("--benchmark-warmup=off",), 0),
        (("--benchmark-warmup", "no"), 0),
        (("--benchmark-warmup-iterations=7",), 7),
        (("--benchmark-warmup=off", "--benchmark-warmup-iterations=7"), 0),
    ],
)
def test_warm_up(pytester: pytest.Pytester, arguments: tuple[str, ...], most: int) -> None:
    assert bounds(pytester, *arguments).most_warm_up == most


def test_garbage(pytester: pytest.Pytester) -> None:
    assert bounds(pytester).collect_garbage
    assert not bounds(pytester, "--benchmark-disable-gc").collect_garbage


def test_skip_and_only(pytester: pytest.Pytester) -> None:
    assert not is_skipped(pytester.parseconfig())
    assert is_skipped(pytester.parseconfig("--benchmark-skip"))
    assert not is_skipped(pytester.parseconfig("--benchmark-skip", "--benchmark-only"))


@pytest.mark.parametrize("option", REFUSED)
def test_what_cannot_be_followed_is_refused_with_the_reason(option: str) -> None:
    with pytest.raises(OptionError) as seen:
        refuse(["bench/", f"{option}=1"])
    assert str(seen.value).startswith(f"{option}: not for the speed tests")
    assert REFUSED[option] in str(seen.value)


def test_a_histogram_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.latency.options.find_spec", lambda name: None)
    with pytest.raises(OptionError, match="needs pygal"):
        refuse(["--benchmark-histogram"])
    monkeypatch.setattr("bench.latency.options.find_spec", find_spec)
    refuse(["--benchmark-save=x"])


def test_arguments_come_from_everywhere(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--benchmark-min-rounds=9")
    pytester.makeini("[pytest]\naddopts = --benchmark-max-time=2")
    config = pytester.parseconfig("-q")
    assert value_of(typed(config), "--benchmark-min-rounds") == "9"
    found = bounds_of(config)
    assert (found.least, found.most, found.seconds) == (9, MOST, 2.0)


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["--benchmark-warmup"], ""),
        (["--benchmark-warmup=off"], "off"),
        (["--benchmark-warmup", "off"], "off"),
        (["--benchmark-warmup", "--quiet"], ""),
        (["--benchmark-warmup-iterations=3"], None),
        (["--benchmark-warmup=on", "--benchmark-warmup=off"], "off"),
    ],
)
def test_the_value_of_an_option(arguments: list[str], value: str | None) -> None:
    assert value_of(arguments, "--benchmark-warmup") == value
