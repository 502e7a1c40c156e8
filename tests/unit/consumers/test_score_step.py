"""A record that comes again under its id: sent again, or brought again by a broker without transactions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ccit.config import Config
from ccit.drift.monitor import DriftMonitor
from ccit.events import RecordReceived, SampleAdmitted, SampleRejected, SampleReleased, decode, encode
from ccit.fates import Fates
from ccit.ingest.rows import record_from_row, sample_from_record
from ccit.lineage import Lineage
from ccit.ports.vectors import Vectors
from ccit.records import Announcement, Decision, OffsetRange, Position, Sample, Score
from ccit.selection.proxy_audit import ProxyAudit
from consumers import score_step
from consumers.kafka.messages import Delivered, KafkaMessage, Output
from consumers.kafka.topics import Topics
from consumers.samples_view import SamplesView
from consumers.score_step import ScoreStep
from tests.crash.parts import ifd_of, stub_scoring
from tests.drifting import Always, accepted
from tests.nouns import version

TOPICS = Topics()
LENIENT = {"checks": {"length": {"min": 0}, "ifd": {"min": 0.0, "max": 2.0}, "novelty": {"max_similarity": 1.0}}}


def message(offset: int, text: str = "5 mg.", name: str = "7") -> KafkaMessage:
    row = {"id": name, "source": "ward", "lang": "en", "instruction": "Dose?", "output": text}
    value, headers = encode(RecordReceived(record_from_row(row, 0.0)), at=0.0, source="test")
    return KafkaMessage(TOPICS.records.name, 0, offset, b"ward:7", value, headers)


class Scorer:
    """A step, what it knows, and a log of one partition."""

    def __init__(
        self, root: Path, *, exactly_once: bool, audit: ProxyAudit | None = None, drift: DriftMonitor | None = None
    ) -> None:
        config = Config.model_validate({"store": {"root": str(root)}, "selection": LENIENT})
        scoring = replace(stub_scoring(config, 0.0), audit=audit or ProxyAudit(), drift=drift or DriftMonitor())
        self.scoring = scoring
        self.proxy = scoring.proxy
        self.lineage = Lineage(scoring.base)
        self.fates = Fates(self.lineage, 1)
        self.known = SamplesView(scoring, TOPICS.samples.name, self.fates)
        self.step = ScoreStep(scoring, TOPICS, 10_000, lambda: 0.0, self.known, exactly_once=exactly_once)
        self._admitted = 0

    def commit(self, messages: Sequence[KafkaMessage]) -> list[tuple[str, str]]:
        """Decide and commit: the topic and the reason of each outcome."""
        outputs = self.step(messages)
        self.step.committed([self._delivered(output) for output in outputs])
        return [(output.topic.removeprefix("ccit."), reason_in(output)) for output in outputs]

    def _delivered(self, output: Output) -> Delivered:
        self._admitted += output.topic == TOPICS.samples.name
        return Delivered(output, 0, self._admitted - 1)


def reason_in(output: Output) -> str:
    event = decode(output.value, output.headers)
    return event.decision.reason if isinstance(event, SampleRejected) else ""


@pytest.fixture
def scorer(tmp_path: Path) -> Scorer:
    return Scorer(tmp_path, exactly_once=True)


def test_what_is_sent_twice_is_admitted_once_and_refused_once(scorer: Scorer) -> None:
    assert scorer.commit([message(0)]) == [("samples", "")]
    assert scorer.commit([message(1)]) == [("rejects", "exact_duplicate")]
    assert scorer.step.decided == {("policy", "accepted"): 1, ("policy", "exact_duplicate"): 1}


@pytest.mark.parametrize("exactly_once", [True, False])
def test_both_in_one_batch(tmp_path: Path, *, exactly_once: bool) -> None:
    one = Scorer(tmp_path, exactly_once=exactly_once)
    assert one.commit([message(0), message(1)]) == [("samples", ""), ("rejects", "exact_duplicate")]


def test_what_a_broker_without_transactions_brings_again_is_dropped(tmp_path: Path) -> None:
    scorer = Scorer(tmp_path, exactly_once=False)
    assert scorer.commit([message(0)]) == [("samples", "")]
    assert scorer.commit([message(0)]) == []


def test_another_text_under_the_same_id_is_another_sample(scorer: Scorer) -> None:
    scorer.commit([message(0)])
    assert scorer.commit([message(1, "10 mg.")]) == [("samples", "")]


def test_a_rollback_does_not_let_it_in_again(scorer: Scorer) -> None:
    """Its digest counts no longer, and the same text from elsewhere is welcome; but itself it was decided already."""
    scorer.commit([message(0)])
    trained = version(1, parent=0, consumed=(OffsetRange(0, 0, 1),))
    scorer.lineage.apply(Announcement("promoted", trained, 1, 0, 0.0))
    scorer.lineage.apply(scorer.lineage.roll_back(0, 1.0))
    scorer.known.align()
    assert scorer.commit([message(1)]) == [("rejects", "exact_duplicate")]
    assert scorer.commit([message(2, name="8")]) == [("samples", "")]


def test_the_refusal_names_the_proxy_that_was_active(scorer: Scorer) -> None:
    scorer.commit([message(0)])
    scorer.proxy.activate(replace(version(3), adapters=None))
    (refused,) = scorer.step([message(1)])
    event = decode(refused.value, refused.headers)
    assert isinstance(event, SampleRejected)
    assert (event.decision.proxy_version, event.decision.scores) == (3, ())


class Failing:
    """A proxy that cannot score a poison, and that loses its device after so many calls."""

    def __init__(self, one: Scorer, lasts: int) -> None:
        self._score = one.proxy.score
        self._left = lasts

    def __call__(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        if any("poison" in sample.response for sample in samples):
            raise ValueError("a text that no tokenizer takes")
        if not self._left:
            raise RuntimeError("CUDA error: device-side assert triggered")
        self._left -= 1
        return self._score(samples)


POISONED = [message(0, "2 mg.", "1"), message(1, "poison", "2"), message(2, "4 mg.", "3")]


def test_one_record_that_no_scorer_takes_is_a_dead_letter(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scorer.proxy, "score", Failing(scorer, lasts=100))
    topics = [topic for topic, _ in scorer.commit(POISONED)]
    assert topics == ["samples", "dead-letters", "samples"]


@pytest.mark.parametrize("lasts", [0, 1, 2])
def test_a_device_that_goes_in_the_middle_of_a_batch_makes_no_dead_letters(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch, lasts: int
) -> None:
    """The first may be scored alone, then the device is lost: the rest are good records all the same."""
    monkeypatch.setattr(scorer.proxy, "score", Failing(scorer, lasts))
    with pytest.raises(RuntimeError, match="CUDA"):
        scorer.step(POISONED)


def test_what_is_raised_after_the_decision_is_not_taken_for_a_scorers(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tried again one by one, each would be refused as its own copy: it is staged already."""

    def broken(_: object) -> str:
        raise LookupError("in the encoding")

    monkeypatch.setattr(score_step, "encode_vector", broken)
    with pytest.raises(LookupError, match="in the encoding"):
        scorer.step([message(0), message(1, "10 mg.", "8")])
    monkeypatch.undo()
    scorer.step.aborted()
    assert scorer.commit([message(0)]) == [("samples", "")]


class Opposite:
    """A deployed model that ranks the other way round than the proxy."""

    metric = "ifd"

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        return [(Score("ifd", -ifd_of(one.content_digest), "model"),) for one in samples]


class Gone(Opposite):
    """One whose device is lost."""

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        raise RuntimeError("CUDA error: device-side assert triggered")


MANY = [message(n, f"{n} mg.", f"{n}") for n in range(30)]


def test_what_the_proxy_audit_finds_counts_once_it_is_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    audit = ProxyAudit(1.0, 0.5, deployed=Opposite())
    scorer = Scorer(tmp_path, exactly_once=True, audit=audit)
    scorer.step(MANY)
    scorer.step.aborted()
    assert list(audit.found) == []
    scorer.commit(MANY)
    (told,) = audit.found
    assert (told.pairs, told.correlation) == (30, -1.0)
    assert "no longer ranks samples as the deployed model does (version 0: rank correlation -1.00" in caplog.text


def test_a_deployed_model_that_fails_changes_no_decision(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    broken = Scorer(tmp_path / "a", exactly_once=True, audit=ProxyAudit(1.0, deployed=Gone()))
    assert broken.commit(MANY) == Scorer(tmp_path / "b", exactly_once=True).commit(MANY)
    assert "the deployed model could not score" in caplog.text


def test_a_generated_sample_says_in_its_decision_how_it_was_made(tmp_path: Path) -> None:
    made = {"prompt": "summary.v1.en", "model": "m@7", "evidence": ["clear lungs"], "record_digest": "ab"}
    row = {"id": "7", "instruction": "Which?", "output": "Clear.", "meta": {"document": "d1", "generated": made}}
    value, headers = encode(RecordReceived(record_from_row(row, 0.0)), at=0.0, source="test")
    scorer = Scorer(tmp_path, exactly_once=True)
    written = KafkaMessage(TOPICS.records.name, 0, 0, b"k", value, headers)
    outputs = [scorer.step([written])[0], scorer.step([message(1)])[0]]
    generated, plain = (decode(output.value, output.headers) for output in outputs)
    assert isinstance(generated, SampleAdmitted)
    assert isinstance(plain, SampleAdmitted)
    assert generated.decision.annotations == {
        "generated.prompt": "summary.v1.en",
        "generated.model": "m@7",
        "generated.record_digest": "ab",
        "generated.document": "d1",
        "generated.evidence": '["clear lungs"]',
    }
    assert plain.decision.annotations == {}


def refused(text: str = "5 mg.", name: str = "7", **fields: object) -> Decision:
    """What was refused of a message, and is in quarantine."""
    sample = sample_from_record(score_step.record_in(message(0, text, name), 10_000))
    scores = (Score("ifd", 1.3, "t"), Score("ifd_deployed", 1.2, "t"))
    found = Decision(sample, False, "ifd_too_high", scores, owner="ifd", annotations={"quarantine": "mismatch"})
    return replace(found, **fields)  # type: ignore[arg-type]  # fields by name


def released(decision: Decision, offset: int = 0) -> KafkaMessage:
    value, headers = encode(SampleReleased(decision, Position(2, 17), "the ward"), at=0.0, source="test")
    return KafkaMessage(TOPICS.releases.name, 0, offset, decision.sample.sample_id.encode(), value, headers)


def test_what_is_released_is_let_in_whatever_the_checks_say(scorer: Scorer) -> None:
    (output,) = scorer.step([released(refused())])
    event = decode(output.value, output.headers)
    assert isinstance(event, SampleAdmitted)
    assert (event.decision.reason, event.decision.owner, event.decision.policy) == ("accepted", "admission", "")
    assert event.decision.scores == refused().scores
    assert event.decision.annotations == {"quarantine": "mismatch", "released": "the ward"}
    assert event.embedding


@pytest.mark.parametrize(("exactly_once", "again"), [(True, [("rejects", "exact_duplicate")]), (False, [])])
def test_what_is_released_twice_is_let_in_once(
    tmp_path: Path, *, exactly_once: bool, again: list[tuple[str, str]]
) -> None:
    scorer = Scorer(tmp_path, exactly_once=exactly_once)
    batch = [released(refused(), 0), released(refused(), 1)]
    assert scorer.commit(batch) == [("samples", ""), ("rejects", "exact_duplicate")]
    assert scorer.commit([released(refused(), 2)]) == again
    assert scorer.step.quarantined == {}, "a copy that was released waits for nobody"


def test_a_record_that_says_what_was_released_before_it_is_a_copy(scorer: Scorer) -> None:
    assert scorer.commit([message(0, name="8"), released(refused())]) == [
        ("samples", ""),
        ("rejects", "exact_duplicate"),
    ]


def test_an_aborted_release_leaves_no_trace(scorer: Scorer) -> None:
    scorer.step([released(refused())])
    scorer.step.aborted()
    assert scorer.commit([released(refused())]) == [("samples", "")]


@pytest.mark.parametrize(
    "other",
    [
        refused(annotations={}),
        refused(accepted=True),
        refused(annotations={"quarantine": "mismatch", "released": "somebody"}),
    ],
)
def test_what_was_in_no_quarantine_cannot_be_released(scorer: Scorer, other: Decision) -> None:
    assert [topic for topic, _ in scorer.commit([released(other)])] == ["dead-letters"]


def test_a_record_on_the_wrong_topic_is_a_dead_letter(scorer: Scorer) -> None:
    record, release = message(0), released(refused())
    swapped = [replace(record, topic=TOPICS.releases.name), replace(release, topic=TOPICS.records.name)]
    assert [topic for topic, _ in scorer.commit(swapped)] == ["dead-letters", "dead-letters"]


def test_a_release_that_cannot_be_embedded_is_a_dead_letter(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    embed = scorer.scoring.embedder.embed

    def failing(texts: Sequence[str]) -> Vectors:
        if any("poison" in text for text in texts):
            raise ValueError("a text that no tokenizer takes")
        return embed(texts)

    monkeypatch.setattr(scorer.scoring.embedder, "embed", failing)
    batch = [released(refused("poison")), released(refused("6 mg.", "8"), 1)]
    assert [topic for topic, _ in scorer.commit(batch)] == ["dead-letters", "samples"]


def test_the_proxy_audit_counts_a_pair_once(tmp_path: Path) -> None:
    audit = ProxyAudit(1.0, deployed=Opposite())
    scorer = Scorer(tmp_path, exactly_once=True, audit=audit)
    scorer.commit(MANY)
    scorer.commit([released(refused("x mg.", "x"))])
    assert [found.pairs for found in audit.found] == [30]


def test_what_is_quarantined_is_counted_by_cause_once_it_is_in_the_log(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(samples: Sequence[Sample], _: object) -> list[Decision]:
        return [replace(refused(), sample=one) for one in samples]

    monkeypatch.setattr(score_step, "admit", held)
    scorer.step([message(0)])
    assert scorer.step.quarantined == {}
    scorer.commit([message(0), message(1, "6 mg.", "8")])
    assert scorer.step.quarantined == {"mismatch": 2}


def test_what_is_let_in_while_a_drift_stands_is_marked(tmp_path: Path) -> None:
    monitor = DriftMonitor(lambda: {"always": Always(at=1)}, standing=50, stamp="test")
    for number in range(40):
        monitor.observe(Position(0, number), accepted(number, source="ward"))
    outputs = Scorer(tmp_path, exactly_once=True, drift=monitor).step([message(0), message(1)])
    events = [decode(output.value, output.headers) for output in outputs]
    marks = [one.decision.annotations for one in events if isinstance(one, SampleAdmitted | SampleRejected)]
    assert marks == [{"drift": "unclear"}, {}]
