"""The corpus through the real steps, without a broker: one dead letter each, and the good records around it decided."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

from ccit.config import Config
from ccit.fates import Fates
from ccit.lineage import Lineage
from ccit.records import DEAD_LETTER_REASONS, Sample, Score
from consumers.dead_letters import MAX_EXTRA_BYTES, MAX_VALUE_BYTES, letter_in
from consumers.ingest import IngestStep
from consumers.kafka.clients import MAX_MESSAGE_BYTES
from consumers.kafka.messages import Delivered, KafkaMessage, Output
from consumers.kafka.topics import Topics
from consumers.samples_view import SamplesView
from consumers.score_step import ScoreStep
from tests.crash.parts import HashProxy, stub_scoring
from tests.poison.corpus import (
    FORGED,
    MAX_BYTES,
    RAW,
    RECORDS,
    SECRET,
    SOUND,
    Poison,
    Sound,
    good_record,
    raw,
)

TOPICS = Topics()


def config(root: Path, max_bytes: int = MAX_BYTES) -> Config:
    return Config.model_validate(
        {
            "ingest": {"max_bytes": max_bytes},
            "store": {"root": str(root)},
            "selection": {
                "checks": {"length": {"min": 0}, "ifd": {"min": 0.0, "max": 2.0}, "novelty": {"max_similarity": 1.0}}
            },
        }
    )


def ingest(max_bytes: int = MAX_BYTES) -> IngestStep:
    return IngestStep(Config.model_validate({"ingest": {"max_bytes": max_bytes}}), clock=lambda: 0.0)


def score(root: Path) -> ScoreStep:
    scoring = stub_scoring(config(root), 0.0)
    known = SamplesView(scoring, TOPICS.samples.name, Fates(Lineage(scoring.base)))
    return ScoreStep(scoring, TOPICS, MAX_BYTES, lambda: 0.0, known, exactly_once=True)


def named(cases: Sequence[Poison | Sound]) -> list[str]:
    return [case.name for case in cases]


def as_read(output: Output) -> KafkaMessage:
    """A dead letter as a reader of its topic finds it."""
    return KafkaMessage(output.topic, 0, 41, output.key, output.value, output.headers)


def require_one_letter(poison: Poison, message: KafkaMessage, outputs: Sequence[Output], stage: str) -> None:
    letters = [output for output in outputs if output.topic == TOPICS.dead_letters.name]
    assert len(letters) == 1
    letter = letter_in(as_read(letters[0]))
    assert (letter.reason, letter.stage, letter.attempts) == (poison.reason, stage, 1)
    assert (letter.topic, letter.partition, letter.offset) == (message.topic, message.partition, message.offset)
    assert letter.reason in DEAD_LETTER_REASONS
    assert letter.error
    assert len(letter.error) < 400
    assert SECRET not in letter.error
    assert (letter.key, letter.value, letter.cut) == (b"key", poison.value, "")
    if poison is not FORGED:
        assert letter.headers == poison.headers


@pytest.mark.parametrize("poison", RAW, ids=named(RAW))
def test_raw_poison_costs_one_dead_letter_between_two_records(poison: Poison) -> None:
    message = KafkaMessage(TOPICS.raw.name, 3, 8, b"key", poison.value, poison.headers)
    outputs = ingest()(
        [KafkaMessage(TOPICS.raw.name, 3, 7, None, raw(id=1)), message, KafkaMessage("r", 3, 9, None, raw(id=2))]
    )
    assert [output.topic for output in outputs] == [TOPICS.records.name, TOPICS.dead_letters.name, TOPICS.records.name]
    require_one_letter(poison, message, outputs, "ingest")


@pytest.mark.parametrize("poison", RECORDS, ids=named(RECORDS))
def test_a_poisoned_record_costs_one_dead_letter_between_two_decisions(poison: Poison, tmp_path: Path) -> None:
    message = KafkaMessage(TOPICS.records.name, 3, 8, b"key", poison.value, poison.headers)
    first, last = (KafkaMessage(TOPICS.records.name, 3, 7 + 2 * n, None, *good_record(n)) for n in range(2))
    outputs = score(tmp_path)([first, message, last])
    assert sorted(output.topic for output in outputs) == sorted([TOPICS.dead_letters.name, *2 * [TOPICS.samples.name]])
    require_one_letter(poison, message, outputs, "score")


@pytest.mark.parametrize("sound", SOUND, ids=named(SOUND))
def test_what_is_merely_unusual_is_read_and_decided(sound: Sound, tmp_path: Path) -> None:
    (record,) = ingest()([KafkaMessage(TOPICS.raw.name, 0, 0, None, sound.value, sound.headers)])
    assert record.topic == TOPICS.records.name
    (decided,) = score(tmp_path)([KafkaMessage(record.topic, 0, 0, record.key, record.value, record.headers)])
    assert decided.topic in (TOPICS.samples.name, TOPICS.rejects.name)


def test_a_forged_header_says_nothing_and_the_others_stay() -> None:
    headers = (("x", b"1"), *FORGED.headers, ("x", b"2"))
    (output,) = ingest()([KafkaMessage(TOPICS.raw.name, 2, 5, None, b"x", headers)])
    letter = letter_in(as_read(output))
    assert (letter.reason, letter.topic, letter.attempts, letter.cut) == ("not_json", TOPICS.raw.name, 1, "")
    assert letter.headers == (("x", b"1"), ("x", b"2"))


def test_what_no_dead_letter_can_hold_is_cut_and_says_so() -> None:
    huge = b"x" * (2 * MAX_MESSAGE_BYTES)  # compressed to a few kilobytes it reaches the topic
    headers = tuple((f"h{n}", b"v" * 100_000) for n in range(100))
    (output,) = ingest()([KafkaMessage(TOPICS.raw.name, 2, 5, huge, huge, headers)])
    letter = letter_in(as_read(output))
    assert as_read(output).size_bytes < MAX_MESSAGE_BYTES - 100_000
    assert letter.key == huge[:MAX_EXTRA_BYTES]
    assert letter.value == huge[:MAX_VALUE_BYTES]
    assert letter.headers == headers[: len(letter.headers)]
    assert letter.headers
    assert letter.cut.startswith(f"{2 * len(huge) + sum(len(n) + len(v) for n, v in headers)} bytes in all")


def test_a_record_that_grows_beyond_its_topic_is_a_dead_letter() -> None:
    grown = raw(meta={"n": ["#"] * 1_000_000}).replace(b'"#"', b"9e15")
    (output,) = ingest(max_bytes=12_000_000)([KafkaMessage(TOPICS.raw.name, 0, 0, None, grown)])
    assert letter_in(as_read(output)).reason == "too_large"


class Picky(HashProxy):
    """A proxy that fails on some texts, or on all: a device that is gone."""

    picks = "poison"

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        if any(self.picks in sample.instruction for sample in samples):
            raise RuntimeError(f"a shape did not fit: {samples[0].response}")
        return super().score(samples)


def picky(monkeypatch: pytest.MonkeyPatch, root: Path, picks: str) -> ScoreStep:
    monkeypatch.setattr("tests.crash.parts.HashProxy", Picky)
    monkeypatch.setattr(Picky, "picks", picks)
    return score(root)


def record_message(offset: int, instruction: str) -> KafkaMessage:
    value, headers = good_record(offset)
    event = orjson.loads(value)
    event["record"]["body"]["instruction"] = instruction
    return KafkaMessage(TOPICS.records.name, 0, offset, None, orjson.dumps(event), headers)


def test_a_record_that_alone_makes_a_scorer_fail_is_a_dead_letter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    step = picky(monkeypatch, tmp_path, "poison")
    outputs = step([record_message(n, "poison" if n == 1 else f"What is {n}?") for n in range(4)])
    assert [output.topic for output in outputs].count(TOPICS.samples.name) == 3
    (letter,) = [letter_in(as_read(o)) for o in outputs if o.topic == TOPICS.dead_letters.name]
    assert (letter.reason, letter.offset) == ("unscorable", 1)
    assert SECRET not in letter.error
    accepted = [output for output in outputs if output.topic == TOPICS.samples.name]
    step.committed([Delivered(output, 0, place) for place, output in enumerate(accepted)])
    assert [output.topic for output in step([record_message(9, "poison")])] == [TOPICS.dead_letters.name]


def test_when_every_record_fails_the_device_is_asked_before_the_records_are_blamed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    step = picky(monkeypatch, tmp_path, "")
    with pytest.raises(RuntimeError):
        step([record_message(n, f"What is {n}?") for n in range(3)])
    step.aborted()
