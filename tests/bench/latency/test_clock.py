"""What pytest-benchmark reads from the clock is what was measured, digit for digit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.latency.clock import SeriesClock

SECONDS = st.floats(1e-9, 1e3)


@given(st.lists(SECONDS, min_size=1))
def test_a_round_is_the_next_sample_exactly(samples: list[float]) -> None:
    clock = SeriesClock(samples)
    rounds = []
    for _ in samples:
        clock.rewind()
        start = clock.device_seconds()
        clock.step()
        rounds.append(clock.device_seconds() - start)
    assert rounds == samples


def test_a_timer_has_the_name_of_what_it_tells() -> None:
    clock = SeriesClock([1.0])
    assert clock.device_seconds.__name__ == "device_seconds"
    assert clock.host_seconds.__name__ == "host_seconds"
