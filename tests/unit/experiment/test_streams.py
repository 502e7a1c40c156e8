"""What is adjustable of a stream moves what it says it moves."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from ccit.errors import ConfigError
from ccit.experiment.streams import HospitalStream, RowsStream, course_of


def groups(stream: HospitalStream, period: int) -> Counter[str]:
    """Of which waves the sound records of a period are."""
    messages = course_of(stream, 0).periods[period].messages
    return Counter(json.loads(m.value)["meta"]["group"] for m in messages if m.kind in ("clean", "redundant"))


def test_shares_are_those_asked_for() -> None:
    stream = HospitalStream(records=2000, noise=0.5, redundancy=0.1)
    came = Counter(message.kind for period in course_of(stream, 1).periods for message in period.messages)
    wrong = sum(came[kind] for kind in ("wrong_answer", "truncated", "one_word", "repetitive", "garbage"))
    assert wrong / 2000 == pytest.approx(0.5, abs=0.05)
    assert came["clean"] / 2000 == pytest.approx(0.4, abs=0.05)


def test_the_defaults_are_the_demos_stream() -> None:
    assert HospitalStream().redundancy == pytest.approx(0.49)
    assert HospitalStream().noise == pytest.approx(0.29)


def test_without_drift_every_period_tells_of_every_wave() -> None:
    even, drifting = HospitalStream(records=2000, drift=0.0), HospitalStream(records=2000)
    assert min(groups(even, 0)[f"wave-{n}"] for n in (1, 2, 3, 4)) > 10
    assert groups(drifting, 0)["wave-4"] == 0


def test_what_recurs_is_told_to_the_end() -> None:
    assert groups(HospitalStream(records=2000), 3)["wave-1"] <= 1
    assert groups(HospitalStream(records=2000, recurrence=0.8), 3)["wave-1"] > 5


def test_a_period_is_a_wave_and_is_asked_about() -> None:
    course = course_of(HospitalStream(records=40, days=3), 0)
    assert [period.name for period in course.periods] == ["wave-1", "wave-2"]
    assert {question.group for question in course.questions} == {"wave-1", "wave-2"}
    times = [message.at for period in course.periods for message in period.messages]
    assert times == sorted(times)
    assert times[-1] < 3 * 24 * 3600


def test_files_are_periods_and_some_of_their_rows_questions(tmp_path: Path) -> None:
    for name in ("eyes", "heart"):
        rows = [{"id": str(n), "instruction": f"{name} {n}?", "output": f"{n}."} for n in range(20)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join([*map(json.dumps, rows), "no row"]), "utf-8")
    course = course_of(RowsStream(files=[tmp_path / "heart.jsonl", tmp_path / "eyes.jsonl"], held_out=4), 0)
    assert [(period.name, len(period.messages)) for period in course.periods] == [("heart", 17), ("eyes", 17)]
    assert Counter(question.group for question in course.questions) == {"heart": 4, "eyes": 4}
    asked = {question.prompt for question in course.questions}
    assert not any(json.loads(m.value)["instruction"] in asked for m in course.periods[0].messages[:-1])


def test_a_file_without_rows_to_ask_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_text('{"instruction": "a", "output": "b"}', "utf-8")
    with pytest.raises(ConfigError, match="expected at least 2 rows"):
        course_of(RowsStream(files=[tmp_path / "one.jsonl"]), 0)
