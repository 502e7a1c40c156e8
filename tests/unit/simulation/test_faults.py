import random

from hypothesis import given
from hypothesis import strategies as st

from ccit.simulation import faults

TEXT = "Give velotrin as the first drug for marsh fever. It is usually well tolerated."


@given(st.integers())
def test_a_near_duplicate_differs_in_one_word(seed: int) -> None:
    changed = faults.near_duplicate(TEXT, random.Random(seed))
    assert changed != TEXT
    before, after = TEXT.split(), changed.split()
    assert sum(a != b for a, b in zip(before, after, strict=False)) + abs(len(before) - len(after)) <= 2


@given(st.integers())
def test_a_truncated_text_is_a_beginning(seed: int) -> None:
    cut = faults.truncated(TEXT, random.Random(seed))
    assert TEXT.startswith(cut)
    assert len(cut) < len(TEXT)


@given(st.integers())
def test_garbage_is_seeded(seed: int) -> None:
    sound = b'{"id": "1"}'
    assert faults.garbage(sound, random.Random(seed)) == faults.garbage(sound, random.Random(seed)) != sound
