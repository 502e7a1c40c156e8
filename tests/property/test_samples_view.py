"""A scorer's view of the samples is the same, restarted from a snapshot, rebuilt from the log, or never away."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.config import Config
from ccit.drift.detectors.embedding_windows import EmbeddingWindowsDetector
from ccit.drift.monitor import DriftMonitor
from ccit.errors import VersionConflict
from ccit.events import CandidateJudged, Event, RoundPlanned, SampleAdmitted, encode
from ccit.fates import Fates
from ccit.lineage import Lineage
from ccit.pool import joined
from ccit.ports.drift import DetectorContext
from ccit.ports.selection import PolicyContext
from ccit.records import Announcement, Decision, OffsetRange, Outcome, Sample
from ccit.scoring.snapshot import read_snapshot, write_snapshot
from ccit.selection.admission import Selector
from ccit.selection.admitted import AdmittedSamples
from ccit.selection.policies.quantile import QuantilePolicy
from ccit.selection.policies.source_quota import SourceQuotaPolicy
from ccit.vectors import encode_vector
from consumers.kafka.messages import Delivered, KafkaMessage, Output
from consumers.kafka.topics import Topics
from consumers.samples_view import SamplesView
from consumers.snapshots import resume_at
from tests.crash.parts import stub_scoring
from tests.evenly import evenly
from tests.nouns import a_round, verdict, version

SAMPLES = Topics().samples.name
PARTITIONS = 2
COOLDOWN = 1

TEXTS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=4)
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("decide"), TEXTS),
        st.tuples(st.just("another decides"), TEXTS),
        st.tuples(st.just("follow"), st.just([])),
        st.tuples(st.just("promote"), st.just([])),
        st.tuples(st.just("hold"), st.just([])),
        st.tuples(st.just("hold"), st.just([])),
        st.tuples(st.just("fail"), st.just([])),
        st.tuples(st.just("roll back"), st.sampled_from([[], ["0"], ["1"], ["2"], ["3"]])),
        st.tuples(st.just("snapshot"), st.just([])),
    ),
    max_size=16,
)


def sample(number: int, text: str) -> Sample:
    return Sample(f"s{number}", f"r{number}", "ward", "en", f"What is {text}?", text)


def detector() -> EmbeddingWindowsDetector:
    settings = EmbeddingWindowsDetector.Settings(window=10, permutations=99, alpha=0.5)
    return EmbeddingWindowsDetector(settings, DetectorContext(seed=0))


@dataclass
class Scorer:
    """What a ScoreConsumer does with its view, without a broker."""

    root: Path
    policy: Callable[[AdmittedSamples], Selector] | None = None  # the configured one
    space: str = "sample"
    lineage: Lineage = field(default_factory=lambda: Lineage(version()))
    read: dict[int, int] = field(default_factory=dict)  # partition -> next offset

    def __post_init__(self) -> None:
        config = Config.model_validate(
            {
                "selection": {
                    "checks": {
                        "length": {"min": 0},
                        "novelty": {"max_similarity": 0.9, "space": self.space},
                        "ifd": {"min": 0.0, "max": 2.0},
                    }
                },
                "store": {"root": str(self.root)},
            }
        )
        watched = DriftMonitor(lambda: {"embedding_windows": detector()}, standing=5, stamp="test")
        self.scoring = replace(stub_scoring(config, 0.0, self.policy), drift=watched)
        self.fates = Fates(self.lineage, COOLDOWN)
        self.known = SamplesView(self.scoring, SAMPLES, self.fates)

    def follow(self, log: Sequence[KafkaMessage]) -> None:
        fresh = [m for m in log if m.offset >= self.read.get(m.partition, 0)]
        self.known.apply(fresh)
        self.read.update({m.partition: m.offset + 1 for m in fresh})

    def announced(self, announcement: Announcement) -> None:
        self.lineage.apply(announcement)
        self.known.align()

    def told(self, events: Sequence[Event]) -> None:
        for event in events:
            if self.fates.take(event):
                self.known.align()

    def decide(self, samples: Sequence[Sample]) -> list[Decision]:
        return self.scoring.admission.decide([s for s in samples if s.sample_id not in self.known])


@dataclass
class World:
    """Two scorers on one log, and a trainer."""

    root: Path
    policy: Callable[[AdmittedSamples], Selector] | None = None
    space: str = "sample"
    log: list[KafkaMessage] = field(default_factory=list)
    announcements: list[Announcement] = field(default_factory=list)
    rounds: list[Event] = field(default_factory=list)
    numbers: int = 0

    def __post_init__(self) -> None:
        self.live, self.other = Scorer(self.root, self.policy, self.space), Scorer(self.root, self.policy, self.space)
        self.trainer = Lineage(version())
        self.ends = dict.fromkeys(range(PARTITIONS), 0)
        self.used = dict.fromkeys(range(PARTITIONS), 0)

    def decide(self, scorer: Scorer, texts: Sequence[str]) -> None:
        samples = [sample(self.numbers + n, text) for n, text in enumerate(texts)]
        self.numbers += len(samples)
        delivered = []
        for decision in scorer.decide(samples):
            if decision.accepted:
                vectors = scorer.scoring.admission.vectors(decision.sample.sample_id)
                spaces = {space: encode_vector(vector) for space, vector in vectors.items()}
                embedding, stamp = spaces.pop("sample"), scorer.known.origin.embedder
                event = SampleAdmitted(decision, decision.sample.content_digest, stamp, embedding, spaces)
                value, headers = encode(event, at=0.0, source="test")
                key, partition = decision.sample.sample_id.encode(), self.numbers % PARTITIONS
                self.log.append(KafkaMessage(SAMPLES, partition, self.ends[partition], key, value, headers))
                delivered.append(Delivered(Output(SAMPLES, key, value, headers), partition, self.ends[partition]))
                self.ends[partition] += 1
        scorer.known.commit(delivered)

    def announce(self, announcement: Announcement) -> None:
        self.trainer.apply(announcement)
        self.announcements.append(announcement)
        for scorer in (self.live, self.other):
            scorer.announced(announcement)

    def fresh(self) -> list[OffsetRange]:
        """What no round has used; the one that asks uses it."""
        found = [OffsetRange(p, self.used[p], end) for p, end in self.ends.items() if end > self.used[p]]
        self.used.update(self.ends)
        return found

    def judge(self, outcome: Outcome | None) -> None:
        """A round over all that waits is held, or could not be trained."""
        planned = a_round(ranges=self.fresh())
        judged = verdict(outcome) if outcome else None
        events: list[Event] = [
            RoundPlanned(planned, planned.round_id),
            CandidateJudged(planned.round_id, None, judged, "", 0, 0.0),
        ]
        self.rounds += events
        for scorer in (self.live, self.other):
            scorer.told(events)

    def promote(self) -> None:
        fresh = self.fresh()
        incumbent = self.trainer.incumbent
        made = version(99, incumbent.number, joined((*incumbent.consumed, *fresh)))
        self.announce(self.trainer.promote(made, 0.0))

    def restarted(self, path: Path | None) -> Scorer:
        scorer = Scorer(self.root, self.policy, self.space)
        for announcement in self.announcements:
            scorer.lineage.apply(announcement)
        scorer.told(self.rounds)
        if path is not None:
            snapshot = read_snapshot(path, scorer.known.origin)
            assert scorer.known.restored(snapshot)
            scorer.read = resume_at(snapshot)
        scorer.follow(self.log)
        return scorer


def quantile_in_quota() -> Selector:
    """A state within a state, beside a control arm; so small that a few samples reach all of it."""
    within = QuantilePolicy.Settings(share=0.7, reference_share=0.4, least=2, reference_size=3, floor=1)
    return Selector.of(SourceQuotaPolicy.Settings(most=6, within=within), PolicyContext(seed=1), control_share=0.2)


@given(ACTS, st.sampled_from(["sample", "question"]), st.sampled_from([evenly, quantile_in_quota]))
@settings(max_examples=80, deadline=None)
def test_restarted_rebuilt_and_never_away_decide_alike(
    tmp_path_factory: pytest.TempPathFactory,
    acts: list[tuple[str, list[str]]],
    space: str,
    make: Callable[[], Selector],
) -> None:
    world = World(tmp_path_factory.mktemp("store"), lambda _: make(), space)
    path = None
    for verb, words in acts:
        if verb == "decide":
            world.decide(world.live, words)
        elif verb == "another decides":
            world.decide(world.other, words)
        elif verb == "follow":
            world.live.follow(world.log)
        elif verb == "promote":
            world.promote()
        elif verb in ("hold", "fail"):
            world.judge("hold" if verb == "hold" else None)
        elif verb == "roll back":
            try:
                world.announce(world.trainer.roll_back(int(words[0]) if words else None, 0.0))
            except VersionConflict:
                continue
        else:
            path = world.root / "snapshot"
            write_snapshot(path, world.live.known.snapshot(world.live.read))
    world.live.follow(world.log)

    probes = [sample(n, text) for n, text in enumerate("abcdefghxyz" * 3)]  # known ids and new ones, copies and not
    expected = world.live.decide(probes)
    for again in (world.restarted(path), world.restarted(None)):
        assert again.decide(probes) == expected
        assert len(again.known) == len(world.live.known)
        assert again.scoring.admission.policy_state() == world.live.scoring.admission.policy_state()
        assert again.scoring.drift.snapshot() == world.live.scoring.drift.snapshot()


def test_a_rollback_forward_brings_back_what_was_set_aside(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.decide(world.live, ["a"])
    world.promote()
    reasons = []
    for to in (0, 1):
        world.announce(world.trainer.roll_back(to, 0.0))
        reasons.append(world.live.decide([sample(100 + to, "a")])[0].reason)
        world.live.scoring.admission.abort()
    assert reasons == ["accepted", "exact_duplicate"]


@pytest.mark.parametrize("outcome", ["hold", None])
def test_what_a_round_was_made_of_that_came_to_nothing_comes_in_again_after_the_cool_down(
    tmp_path: Path, outcome: Outcome | None
) -> None:
    """Its content was an exact duplicate for ever, though no version was trained on it and nothing replays it."""
    world = World(tmp_path)
    world.decide(world.live, ["a"])
    reasons = []
    for said in (outcome, "not_enough_evidence"):
        world.judge(said)
        reasons.append(world.live.decide([sample(100, "a")])[0].reason)
        world.live.scoring.admission.abort()
        world.decide(world.live, ["b" if said == outcome else "c"])
    assert reasons == ["exact_duplicate", "accepted"]
    assert world.live.decide([sample(100, "b")])[0].reason == "exact_duplicate"  # its round waits for evidence


def test_a_state_that_the_policy_does_not_know_is_not_taken(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World(tmp_path, lambda _: evenly())
    world.decide(world.live, ["a", "b", "c"])
    snapshot = world.live.known.snapshot(world.live.read)
    fresh = Scorer(tmp_path, lambda _: evenly())
    with caplog.at_level(logging.WARNING, "ccit.score"):
        assert not fresh.known.restored(replace(snapshot, policy={"quantiles": [1, 2]}))
    assert "expected counts" in caplog.text
    assert len(fresh.known) == len(fresh.scoring.admitted) == 0
    assert fresh.known.restored(snapshot)


def test_a_state_that_the_drift_monitor_does_not_know_is_not_taken(tmp_path: Path) -> None:
    world = World(tmp_path, lambda _: evenly())
    world.decide(world.live, ["a", "b", "c"])
    world.live.follow(world.log)
    snapshot, fresh = world.live.known.snapshot(world.live.read), Scorer(tmp_path, lambda _: evenly())
    before = fresh.scoring.admission.policy_state()
    assert not fresh.known.restored(replace(snapshot, drift={"0": {"what": 1}}))
    assert not fresh.known.restored(replace(snapshot, policy={"what": 1}))
    assert fresh.scoring.admission.policy_state() == before
    assert fresh.scoring.drift.snapshot() == {}
    fresh.follow(world.log)
    assert fresh.scoring.drift.snapshot() == world.live.scoring.drift.snapshot() != {}


def test_a_policy_without_a_state_has_no_part_in_where_a_snapshot_comes_from(tmp_path: Path) -> None:
    assert Scorer(tmp_path).known.origin.policy == ""
    assert Scorer(tmp_path, lambda _: evenly()).known.origin.policy == "evenly test"
