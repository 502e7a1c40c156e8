"""`ccit demo --real`: the records of a user's files as the hospital's stream, some of them held out as questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ccit.errors import ConfigError, InputError
from ccit.ingest.files import lines_of, sample_from_line
from ccit.records import Question, Sample
from ccit.simulation.stream import SimulatedMessage

HELD_OUT = 16  # rows that become questions; a free answer of each costs every version a few seconds
DAYS = 2
_LARGEST = 1_000_000  # bytes of a line, as `ingest.max_bytes`


@dataclass(frozen=True, slots=True)
class Real:
    """What the user asked for: files of rows (none: the simulated hospital), and how many layers the proxy keeps."""

    rows: tuple[Path, ...] = ()
    proxy_layers: int | None = None


def stream_of_rows(files: Sequence[Path], records: int) -> tuple[list[SimulatedMessage], list[Question]]:
    """The first rows of the files, in order, as messages over two days; and questions made of rows taken out evenly.

    A question asks what its row asks, freely, and is graded against the row's own answer. A line that is no row is sent
    as it is: what becomes of it is the system's to show.

    Raises
    ------
    ConfigError
        The files hold too few rows.
    """
    lines = [
        line for _, line in zip(range(records + HELD_OUT), chain.from_iterable(map(lines_of, files)), strict=False)
    ]
    step = max(2, len(lines) // HELD_OUT)
    questions: list[Question] = []
    kept: list[tuple[Sample | None, bytes]] = []
    for number, line in enumerate(lines):
        sample = _sample(line)
        if sample is not None and not sample.history and number % step == step - 1 and len(questions) < HELD_OUT:
            questions.append(Question(sample.record_id, sample.source, sample.instruction, sample.response))
        else:
            kept.append((sample, line))
    if len(questions) < 2:
        raise ConfigError(f"expected files with at least 4 rows of questions and answers, found {len(lines)} lines")
    messages = [
        SimulatedMessage(b"%d" % n, line, n * DAYS // len(kept), None if sample is None else sample.record_id, None)
        for n, (sample, line) in enumerate(kept)
    ]
    return messages, questions


def _sample(line: bytes) -> Sample | None:
    try:
        return sample_from_line(line, _LARGEST)
    except InputError:
        return None
