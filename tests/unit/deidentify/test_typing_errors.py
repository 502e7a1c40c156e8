from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ccit.deidentify.typing_errors import Misspelt, one_error_apart

WORDS = st.text("abc", max_size=6)


def alignment(a: str, b: str) -> int:
    """The optimal string alignment distance, from its definition."""
    if not a or not b:
        return len(a) + len(b)
    best = min(alignment(a[1:], b) + 1, alignment(a, b[1:]) + 1, alignment(a[1:], b[1:]) + (a[0] != b[0]))
    if len(a) > 1 and len(b) > 1 and a[0] == b[1] and a[1] == b[0]:
        best = min(best, alignment(a[2:], b[2:]) + 1)
    return best


@given(a=WORDS, b=WORDS)
def test_one_error_is_a_distance_of_one(a: str, b: str) -> None:
    assert one_error_apart(a, b) == (alignment(a, b) == 1)
    assert Misspelt([b]).meant(a) == (b if alignment(a, b) == 1 else None)


def test_a_very_long_word_is_meant_for_nobody() -> None:
    assert Misspelt(["a" * 41]).meant("a" * 42) is None
