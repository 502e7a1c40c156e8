from __future__ import annotations

import pytest
from pydantic import ValidationError

from ccit.drift.detectors.embedding_windows import EmbeddingWindowsDetector
from ccit.ports.drift import Accepted, DetectorContext
from tests.drifting import accepted, fed

WINDOW = 64


def detector() -> EmbeddingWindowsDetector:
    return EmbeddingWindowsDetector(EmbeddingWindowsDetector.Settings(), DetectorContext(seed=0))


@pytest.mark.parametrize("seed", range(3))
def test_other_embeddings_are_found_within_two_windows_and_none_in_640_alike(seed: int) -> None:
    begin = seed * 10_000
    alike = [accepted(begin + number) for number in range(10 * WINDOW + 20)]
    others = [accepted(begin + 5000 + number, centre=1.0) for number in range(2 * WINDOW)]
    (place, change), *more = fed(detector(), [*alike, *others])
    assert len(alike) <= place < len(alike) + 2 * WINDOW
    assert change.after > change.before
    assert len(more) <= 1, "a window that lies on the change may be followed by one that does not"


def test_a_sample_without_a_vector_says_nothing() -> None:
    found = detector()
    assert found.observe(Accepted(accepted(0).decision)) is None
    assert found.snapshot() == {"reference": [], "newest": [], "behind": 0}


def test_where_a_change_began_is_counted_in_samples() -> None:
    """Every third has no vector."""
    log = [accepted(n, centre=float(n >= 192)) for n in range(400)]
    log = [Accepted(one.decision) if n % 3 == 2 else one for n, one in enumerate(log)]
    (place, change), *_ = fed(detector(), log)
    assert place - change.since + 1 == 192


def test_a_p_value_that_the_permutations_cannot_reach_is_refused() -> None:
    assert EmbeddingWindowsDetector.Settings(alpha=0.001, permutations=999).alpha == 0.001
    with pytest.raises(ValidationError, match=r"alpha .0.001. is below 0.001"):
        EmbeddingWindowsDetector.Settings(alpha=0.001, permutations=998)
