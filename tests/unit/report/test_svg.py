import itertools
import math

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from ccit.report.svg import Scale, clean, drawing, element, hot, lanes, rect, spread, ticks

sane = st.floats(-1e6, 1e6)


def test_text_and_attributes_are_escaped_and_markup_is_kept() -> None:
    assert element("text", "<&>", Markup("<b></b>"), class_='a"b') == (
        '<text class="a&#34;b">&lt;&amp;&gt;<b></b></text>'
    )


def test_a_tip_is_escaped() -> None:
    assert "<script>" not in hot("<script>")


def test_a_drawing_says_what_it_shows() -> None:
    svg = drawing("Bars", 10)
    assert 'role="img"' in svg
    assert 'aria-label="Bars"' in svg


def test_negative_sizes_are_drawn_as_nothing() -> None:
    assert 'width="0"' in rect(0, 0, -5, 3, "x")


@given(st.text())
def test_clean_text_can_be_written_and_keeps_what_is_harmless(text: str) -> None:
    shown = clean(text)
    shown.encode("utf-8")
    assert len(shown) == len(text)
    assert clean(shown) == shown


@given(sane, sane, sane)
def test_a_scale_never_leaves_the_drawing(low: float, width: float, value: float) -> None:
    scale = Scale(low, low + abs(width), 10, 90)
    assert 10 <= scale(value) <= 90


@given(sane, st.floats(1e-3, 1e6), st.integers(2, 12))
def test_ticks_lie_inside_and_are_evenly_spaced(low: float, width: float, about: int) -> None:
    found = ticks(low, low + width, about)
    assert len(found) <= about + 1
    assert all(low - 1e-6 * width <= t <= low + width + 1e-6 * width for t in found)
    gaps = [(b - a) / width for a, b in itertools.pairwise(found)]
    assert max(gaps, default=0.0) - min(gaps, default=0.0) <= 1e-6


def test_a_range_without_width_has_one_tick() -> None:
    assert ticks(3, 3) == [3]
    assert ticks(0, math.inf) == [0]


@given(st.lists(st.floats(0, 100), max_size=8))
def test_spread_labels_keep_their_distance_and_order(wanted: list[float]) -> None:
    placed = spread(wanted, 10, 0, 100)
    ordered = sorted(placed)
    assert all(b - a >= 10 - 1e-9 for a, b in itertools.pairwise(ordered))
    assert all(placed[i] <= placed[j] for i in range(len(wanted)) for j in range(len(wanted)) if wanted[i] < wanted[j])


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(1, 30)), max_size=12).map(sorted))
def test_labels_of_one_lane_do_not_overlap(labels: list[tuple[float, float]]) -> None:
    places, widths = [p for p, _ in labels], [w for _, w in labels]
    chosen = lanes(places, widths)
    for i in range(len(labels)):
        for j in range(i):
            if chosen[i] == chosen[j]:
                assert places[j] + widths[j] / 2 <= places[i] - widths[i] / 2
