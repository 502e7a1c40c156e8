"""What is closed at the end of its `with` block."""

from __future__ import annotations

import pytest

from consumers.kafka.closing import Closing


class Line(Closing):
    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


def test_a_block_that_ends_closes_once() -> None:
    with Line() as line:
        assert line.closed == 0
    assert line.closed == 1


def test_a_block_that_fails_closes_too_and_the_error_goes_on() -> None:
    line = Line()
    with pytest.raises(KeyError), line:
        raise KeyError("within")
    assert line.closed == 1


def test_what_forgot_to_say_how_it_is_closed_is_told() -> None:
    with pytest.raises(TypeError, match="close"):
        Closing()  # type: ignore[abstract]  # that it cannot be made is what is tested
