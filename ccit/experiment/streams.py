"""What a cell learns from: a stream in periods, and the questions about each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from ccit.config.section import Section
from ccit.errors import ConfigError, InputError
from ccit.evaluation.suites import question_from_row
from ccit.ingest.files import lines_of
from ccit.ingest.rows import parse_row
from ccit.records import Question
from ccit.simulation.faults import Truth
from ccit.simulation.stream import DAYS, DAYS_PER_WAVE, SHARES, Seasons, hospital_stream
from ccit.simulation.suites import held_out_suite
from ccit.simulation.world import GROUPS

SECONDS_PER_DAY = 24 * 3600.0
_LARGEST = 1_000_000  # bytes of a line, as `ingest.max_bytes`
_SAYS_AGAIN = (Truth.REDUNDANT, Truth.NEAR_DUPLICATE, Truth.EXACT_DUPLICATE)
_SOUND = (Truth.CLEAN, *_SAYS_AGAIN)


def _share(*kinds: Truth) -> float:
    return round(sum(SHARES[kind] for kind in kinds), 6)


class HospitalStream(Section):
    """The simulated hospital: a period is one wave of conditions, two days."""

    kind: Literal["hospital"] = "hospital"
    records: int = Field(2400, ge=4, description="messages in all, spread evenly over the days")
    days: int = Field(DAYS, ge=1, le=DAYS, description="simulated days; a wave takes two")
    redundancy: float = Field(
        _share(*_SAYS_AGAIN), ge=0, le=1, description="share that says what was said before, copies included"
    )
    noise: float = Field(
        round(1 - _share(*_SOUND), 6), ge=0, le=1, description="share that is wrong, cut, repetitive or no record"
    )
    drift: float = Field(1.0, ge=0, le=1, description="1: waves rise and fade; 0: all are told alike at all times")
    recurrence: float = Field(
        0.0, ge=0, le=1, description="least weight of a wave after its peak, where it is 1; 0: it fades for good"
    )

    @model_validator(mode="after")
    def _something_new(self) -> HospitalStream:
        if self.redundancy + self.noise >= 1:
            raise ValueError(
                f"redundancy = {self.redundancy:g} and noise = {self.noise:g} leave no share for what is new; "
                "their sum must be below 1"
            )
        return self

    @property
    def shares(self) -> dict[Truth, float]:
        """Share of each kind: within redundancy and noise the kinds keep their proportions."""
        again = {kind: self.redundancy * SHARES[kind] / _share(*_SAYS_AGAIN) for kind in _SAYS_AGAIN}
        wrong = [kind for kind in SHARES if kind not in _SOUND]
        damaged = {kind: self.noise * SHARES[kind] / _share(*wrong) for kind in wrong}
        return {Truth.CLEAN: 1 - self.redundancy - self.noise, **again, **damaged}


class RowsStream(Section):
    """Files of instruction rows, in this order; each is a period, and some of its rows become questions."""

    kind: Literal["rows"] = "rows"
    files: list[Path] = Field(
        min_length=1, description="JSONL files of rows; a relative path is below the plan's folder"
    )
    held_out: int = Field(16, ge=1, description="rows of each file that become questions, taken out evenly")
    most: int = Field(1_000_000, ge=2, description="rows of each file that are read, the first ones")
    days: float = Field(8.0, gt=0, description="over how many days the rows are spread evenly")

    @model_validator(mode="after")
    def _named(self) -> RowsStream:
        names = [path.stem for path in self.files]
        if len(set(names)) < len(names):
            raise ValueError(f"expected files of different names, found {', '.join(names)}: a period is called so")
        return self


Stream = HospitalStream | RowsStream


@dataclass(frozen=True, slots=True)
class StreamMessage:
    """One message: its bytes, when it came (seconds since the stream began), and what is known of it."""

    value: bytes
    at: float
    record_id: str | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """A part of the stream with its name, which is the group of the questions about it."""

    name: str
    messages: Sequence[StreamMessage]


@dataclass(frozen=True, slots=True)
class Course:
    """A whole stream and what is asked about it."""

    periods: Sequence[Period]
    questions: Sequence[Question]


def course_of(stream: Stream, seed: int) -> Course:
    """The periods of a stream in their order.

    Raises
    ------
    ConfigError
        A file cannot be read, or has too few rows.

    >>> course = course_of(HospitalStream(records=8, days=4), seed=0)
    >>> [(period.name, len(period.messages)) for period in course.periods]
    [('wave-1', 4), ('wave-2', 4)]
    """
    return _hospital(stream, seed) if isinstance(stream, HospitalStream) else _rows(stream)


def _hospital(stream: HospitalStream, seed: int) -> Course:
    seasons = Seasons(stream.drift, stream.recurrence)
    told = hospital_stream(stream.records, seed, days=stream.days, shares=stream.shares, seasons=seasons)
    count = min(len(GROUPS), -(-stream.days // round(DAYS_PER_WAVE)))
    messages: list[list[StreamMessage]] = [[] for _ in range(count)]
    for number, one in enumerate(told):
        at = stream.days * number / stream.records
        kind = "" if one.kind is None else one.kind.value
        messages[int(at // DAYS_PER_WAVE)].append(StreamMessage(one.value, at * SECONDS_PER_DAY, one.record_id, kind))
    names = GROUPS[:count]
    asked = [
        Question(q.question_id, q.group, q.prompt, q.answer, q.choices)
        for q in held_out_suite(seed)
        if q.group in names
    ]
    return Course([Period(name, own) for name, own in zip(names, messages, strict=True)], asked)


def _rows(stream: RowsStream) -> Course:
    read = {path.stem: _divided(path, stream.held_out, stream.most) for path in stream.files}
    count, number = sum(len(lines) for lines, _ in read.values()), 0
    periods = []
    for name, (lines, _) in read.items():
        own = []
        for line in lines:
            own.append(StreamMessage(line, SECONDS_PER_DAY * stream.days * number / count))
            number += 1
        periods.append(Period(name, own))
    return Course(periods, [question for _, asked in read.values() for question in asked])


def _divided(path: Path, held_out: int, most: int) -> tuple[list[bytes], list[Question]]:
    """A file's lines without those taken out, and the questions made of them; a line that is no row is kept."""
    lines = [line for line, _ in zip(lines_of(path), range(most), strict=False)]
    step = max(2, len(lines) // held_out)
    kept: list[bytes] = []
    asked: list[Question] = []
    for number, line in enumerate(lines):
        wanted = number % step == step - 1 and len(asked) < held_out
        question = _question(line, path.stem) if wanted else None
        if question is None or question.question_id in {one.question_id for one in asked}:
            kept.append(line)
        else:
            asked.append(question)
    if not asked:
        raise ConfigError(f"expected at least 2 rows of questions and answers in {path}, found {len(lines)} lines")
    return kept, asked


def _question(line: bytes, period: str) -> Question | None:
    try:
        question = question_from_row(parse_row(line, _LARGEST))
    except InputError:
        return None
    return replace(question, question_id=f"{period}/{question.question_id}", group=period)
