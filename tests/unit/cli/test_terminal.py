from __future__ import annotations

import pytest

from ccit.cli.terminal import escaped, when


@pytest.mark.parametrize(
    ("at_ms", "said"),
    [(-1, ""), (0, "1970-01-01 00:00:00"), (253_402_300_799_999, "9999-12-31 23:59:59"), (2**62, ""), (2**63 - 1, "")],
)
def test_a_time_that_is_in_no_calendar_is_not_said(at_ms: int, said: str) -> None:
    assert when(at_ms).startswith(said)
    assert bool(when(at_ms)) == bool(said)


def test_nothing_in_a_text_moves_the_cursor_or_turns_it_round() -> None:
    assert escaped("a\x1b[2J\u202eb\nc".encode()) == r"a\x1b[2J\u202eb\nc"
    assert escaped(b"a\nb\xff", lines=True) == "a\nb\\xff"
