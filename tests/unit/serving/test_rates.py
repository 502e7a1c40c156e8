from hypothesis import given
from hypothesis import strategies as st

from ccit.serving.rates import Rates


@given(gaps=st.lists(st.floats(0, 20), min_size=1, max_size=60), limit=st.integers(1, 30))
def test_no_more_than_the_limit_and_what_time_gave_are_let_in(gaps: list[float], limit: int) -> None:
    rates, now, let_in = Rates(limit), 0.0, 0
    for gap in gaps:
        now += gap
        let_in += rates.wait("ward", now) == 0
        assert let_in <= limit + now * limit / 60 + 1e-6


@given(limit=st.integers(1, 100), now=st.floats(0, 1e6))
def test_who_waits_as_long_as_told_is_let_in(limit: int, now: float) -> None:
    rates = Rates(limit)
    while not (wait := rates.wait("ward", now)):
        pass
    assert 0 < wait <= 60 / limit + 1e-6
    assert rates.wait("ward", now + wait + 1e-3) == 0


def test_no_limit_lets_everybody_in() -> None:
    assert not any(Rates(0).wait("ward", 0.0) for _ in range(1000))
