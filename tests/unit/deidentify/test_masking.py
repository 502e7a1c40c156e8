from __future__ import annotations

import time

from ccit.deidentify.masking import mask, united
from ccit.deidentify.safe_harbor import SafeHarbor
from ccit.ports.deidentify import Known, Page, Span


def test_overlapping_spans_become_one_of_the_longest_kind() -> None:
    spans = [Span(0, 3, "name", "a"), Span(2, 9, "place", "b"), Span(20, 22, "ip", "c")]
    assert [(s.start, s.end, s.kind) for s in united(spans, [], "x" * 30)] == [(0, 9, "place"), (20, 22, "ip")]


def test_what_is_masked_already_is_cut_out_and_what_says_nothing_is_left() -> None:
    text = "Ann [NAME-1], Roe"
    pieces = united([Span(0, len(text), "name", "a")], [(4, 12)], text)
    assert [text[s.start : s.end] for s in pieces] == ["Ann ", ", Roe"]
    assert united([Span(4, 13, "name", "a")], [(4, 12)], text) == []


def test_places_of_masks_move_with_the_text() -> None:
    page = Page("Ann met [NAME-7] in Bath")
    masked = mask(
        page, [Span(0, 3, "name", "a"), Span(20, 24, "place", "b")], [(8, 16)], SafeHarbor().page(Known(), "")
    )
    assert masked.text == "[NAME-1] met [NAME-7] in [PLACE]"
    assert [masked.text[start:end] for start, end in masked.masks] == ["[NAME-1]", "[NAME-7]", "[PLACE]"]


def test_time_is_nearly_linear_in_the_masks() -> None:
    def seconds(count: int) -> float:
        spans = [Span(10 * n, 10 * n + 4, "name", "a") for n in range(count)]
        taken = [(10 * n + 5, 10 * n + 9) for n in range(count)]
        started = time.process_time()
        assert len(united(spans, taken, "x" * (10 * count))) == count
        return time.process_time() - started

    seconds(100)
    assert seconds(20_000) < 40 * max(seconds(2_000), 0.002)  # ten times the masks; a square would be a hundred
