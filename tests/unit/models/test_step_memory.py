from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.models.step_memory import FEWEST_TOKENS, MEMORY_SHARE, StepMemory, fitting_tokens

GIB = 2**30
STEPS = st.builds(StepMemory, st.floats(0, 100 * GIB), st.floats(1e3, 1e8))
MEMORY = st.floats(0, 300 * GIB)
MOST = st.integers(FEWEST_TOKENS, 2**20)


@given(STEPS, MEMORY, MOST)
def test_a_choice_never_takes_more_than_the_share_unless_it_is_the_least(
    step: StepMemory, memory: float, most: int
) -> None:
    tokens = fitting_tokens(step, memory, most)
    assert FEWEST_TOKENS <= tokens <= most
    if tokens > FEWEST_TOKENS:
        assert step.fixed + step.per_token * tokens <= MEMORY_SHARE * memory * (1 + 1e-9)


@given(STEPS, MEMORY, MEMORY, MOST)
def test_more_memory_gives_no_smaller_choice(step: StepMemory, one: float, other: float, most: int) -> None:
    less, more = sorted((one, other))
    assert fitting_tokens(step, less, most) <= fitting_tokens(step, more, most)


@given(STEPS, st.floats(1, 4), MEMORY, MOST)
def test_a_larger_model_gets_no_larger_choice(step: StepMemory, factor: float, memory: float, most: int) -> None:
    larger = StepMemory(step.fixed * factor, step.per_token * factor)
    assert fitting_tokens(larger, memory, most) <= fitting_tokens(step, memory, most)


@given(STEPS, MEMORY, MOST)
def test_little_of_what_fits_is_left(step: StepMemory, memory: float, most: int) -> None:
    tokens = fitting_tokens(step, memory, most)
    if tokens < most:
        more = tokens + (256 if tokens >= 256 else 64)
        assert step.fixed + step.per_token * more > MEMORY_SHARE * memory * (1 - 1e-9)


@pytest.mark.parametrize(
    ("gpu_gib", "most", "tokens"),
    [(78.0, 64 * 2048, 4352), (139.0, 64 * 2048, 10752), (139.0, 16 * 256, 4096), (24.0, 64 * 2048, 64)],
    ids=["of an H100", "of an H200", "no step has more", "the weights do not fit"],
)
def test_the_14b_shape_gets_what_its_measured_peaks_say(gpu_gib: float, most: int, tokens: int) -> None:
    """62.2 GiB at 4,096 tokens and 72.8 at 5,376 were measured on an H200 (benchmarks/RESULTS.md)."""
    step = StepMemory.through((4096, round(62.2 * GIB)), (5376, round(72.8 * GIB)))
    assert fitting_tokens(step, gpu_gib * GIB, most) == tokens


@given(st.floats(-1e8, 0), st.floats(0, 100 * GIB), MEMORY, MOST)
def test_a_line_that_does_not_rise_gives_all_or_the_least(
    per_token: float, fixed: float, memory: float, most: int
) -> None:
    fits = fixed <= MEMORY_SHARE * memory
    assert fitting_tokens(StepMemory(fixed, per_token), memory, most) == (most if fits else FEWEST_TOKENS)


def test_bytes_beside_the_tokens_leave_the_slope() -> None:
    assert StepMemory(1.0, 2.0).plus(3.0) == StepMemory(4.0, 2.0)
