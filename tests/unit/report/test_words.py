from pathlib import Path

from ccit.report import words
from ccit.report.words import KINDS, big, duration, kind_label, percent, points, reason_class, reason_label, reasons
from ccit.selection.reasons import all_reasons
from ccit.simulation.faults import Truth


def test_every_reason_and_every_truth_has_words() -> None:
    assert set(all_reasons()) < set(reasons())
    css = (Path(words.__file__).parent / "page.css").read_text(encoding="utf-8")
    assert all(f".{reason_class(reason)} " in css for reason in reasons())
    assert set(Truth) == set(KINDS)


def test_unknown_keys_are_spoken_plainly() -> None:
    assert (reason_label("moon_phase"), kind_label(""), reason_class("moon_phase")) == (
        "moon phase",
        "unknown",
        "r-other",
    )


def test_numbers_read_well_at_their_edges() -> None:
    assert [points(v) for v in (0.0, -0.04, 0.05, None)] == ["0.0 pp", "0.0 pp", "+0.1 pp", "not measured"]
    assert [percent(v) for v in (0.0, 1.0, -0.5)] == ["0 %", "100 %", "−50 %"]
    assert [duration(v) for v in (0.0, 59.9, 59.99, 119.6)] == ["0 ms", "59.9 s", "60.0 s", "2 min 0 s"]
    assert [big(v) for v in (None, 999_999.0, 3.1e12)] == ["not measured", "999,999", "3.1 trillion"]
