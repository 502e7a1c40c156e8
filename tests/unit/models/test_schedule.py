import pytest

from ccit.models.schedule import rate_factor


@pytest.mark.parametrize("steps", [1, 2, 7, 100])
@pytest.mark.parametrize("warmup_share", [0.0, 0.05, 0.5, 0.99])
def test_the_rate_stays_above_zero_and_peaks_at_one(steps: int, warmup_share: float) -> None:
    factors = [rate_factor(step, steps, warmup_share) for step in range(steps)]
    assert all(0 < f <= 1 for f in factors)
    assert max(factors) == 1


def test_it_rises_then_falls() -> None:
    factors = [rate_factor(step, 100, 0.1) for step in range(100)]
    assert factors[:10] == sorted(factors[:10])
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[0] == pytest.approx(0.1)
    assert factors[-1] < 0.001


def test_it_falls_towards_the_floor() -> None:
    factors = [rate_factor(step, 1000, 0.04, floor=0.05) for step in range(1000)]
    assert min(factors[40:]) >= 0.05
    assert factors[-1] == pytest.approx(0.05, abs=1e-4)
