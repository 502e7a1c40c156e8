"""What the topics of a run without any crash would say, made in memory by the spine itself."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson

from ccit.errors import InputError
from ccit.events import (
    CandidateJudged,
    CandidateTrained,
    Event,
    RoundPlanned,
    SampleAdmitted,
    SampleRejected,
    VersionPromoted,
    VersionRolledBack,
    encode,
)
from ccit.ingest.rows import record_from_row, sample_from_record
from ccit.lineage import Lineage
from ccit.pipeline import material_of, plan, promote
from ccit.pool import Pool
from ccit.records import AdapterPair, Decision, Due, Outcome, Pooled, Position, Round, Sample
from ccit.store.files import FileStore
from consumers.dead_letters import dead_letter
from consumers.kafka.messages import KafkaMessage
from consumers.kafka.topics import Topics
from tests.crash.feed import fed_again_with, is_poison, key_of, value_of
from tests.crash.laws import Breaches, Sent, judged
from tests.crash.ledger import Ledger
from tests.crash.parts import ifd_of
from tests.nouns import candidate, recipe_of, verdict, version

RECORDS = 200
TOPICS = Topics("t.")
RECIPE = recipe_of(replay=0.5)
_MIN_IFD, _MAX_IFD = 0.6, 1.0


def fed() -> Iterator[int]:
    """The numbers in the order of the feed, those that are fed again among them."""
    for number in range(RECORDS):
        yield number
        if (again := fed_again_with(number)) is not None:
            yield again


def sample_of(number: int) -> Sample:
    return sample_from_record(record_from_row(orjson.loads(value_of(number)), 0.0))


def admitted(sample: Sample, offset: int) -> KafkaMessage:
    event = SampleAdmitted(Decision(sample, True, "accepted"), sample.content_digest, "stub", "")
    value, headers = encode(event, at=0.0, source="test")
    return KafkaMessage(TOPICS.samples.name, 0, offset, sample.sample_id.encode(), value, headers)


def rejected(sample: Sample) -> KafkaMessage:
    value, headers = encode(SampleRejected(Decision(sample, False, "ifd_too_low")), at=0.0, source="test")
    return KafkaMessage(TOPICS.rejects.name, 0, 0, sample.sample_id.encode(), value, headers)


def letter(number: int) -> KafkaMessage:
    raw = KafkaMessage(TOPICS.raw.name, 0, number, key_of(number).encode(), value_of(number))
    made = dead_letter(raw, InputError("not_json", "cut off"), "ingest", TOPICS)
    return KafkaMessage(made.topic, 0, number, made.key, made.value, made.headers)


@dataclass
class Run:
    """The topics, the store and the trainer's offset, for a mutation to damage."""

    store: FileStore
    root: Path
    messages: list[KafkaMessage] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    asked: Sent = field(default_factory=lambda: Sent(RECORDS))
    used_up_to: dict[int, int] = field(default_factory=dict)
    unanswered: int = 0

    def breaches(self) -> Breaches:
        ledger = Ledger(TOPICS)
        for message in self.messages:
            ledger.take_decision(message)
        for event in self.events:
            ledger.take_event(event)
        return judged(ledger, self.asked, self.used_up_to, self.unanswered, self.store)

    def place(self, kind: type[Event], number: int = 0) -> int:
        """Where the n-th event of a kind is."""
        return [place for place, event in enumerate(self.events) if isinstance(event, kind)][number]

    def message(self, topic: str, number: int = 0) -> KafkaMessage:
        """The n-th message of a topic."""
        return [message for message in self.messages if message.topic.endswith(topic)][number]

    def planned(self, number: int) -> Round:
        """The n-th plan."""
        event = self.events[self.place(RoundPlanned, number)]
        assert isinstance(event, RoundPlanned)
        return event.planned

    def replan(self, number: int, change: Callable[[Round], Round]) -> None:
        """Change the n-th plan and all that names it, as if it had been planned so."""
        old = self.planned(number)
        self.events = [_renamed(event, old, change(old)) for event in self.events]


def _renamed(event: Event, old: Round, new: Round) -> Event:
    if isinstance(event, RoundPlanned) and event.round_id == old.round_id:
        return RoundPlanned(new, new.round_id)
    if isinstance(event, CandidateTrained) and event.candidate.round_id == old.round_id:
        return replace(event, candidate=replace(event.candidate, round_id=new.round_id))
    if isinstance(event, CandidateJudged) and event.round_id == old.round_id:
        return replace(event, round_id=new.round_id)
    if isinstance(event, VersionPromoted | VersionRolledBack):
        announcement = event.announcement
        if announcement.version.round_id == old.round_id:
            version = replace(announcement.version, round_id=new.round_id)
            return replace(event, announcement=replace(announcement, version=version))
    return event


class _Trainer:
    """Plans and publishes as the consumer does, over lists."""

    def __init__(self, run: Run, pool: Pool) -> None:
        self._run = run
        self._pool = pool
        self.lineage = Lineage(version())
        self._start = {0: 0}
        self._history: list[Pooled] = []

    def plan(self) -> Round:
        left = self.lineage.abandoned
        history = [pooled.sample for pooled in self._history if not left(pooled.position)]
        made = plan(self._pool, Due("size", ""), self.lineage.incumbent, RECIPE, history, self._start)
        self._run.events.append(RoundPlanned(made, made.round_id))
        return made

    def finish(self, made: Round, outcome: Outcome) -> None:
        events, used = self._run.events, self._pool.within(made.ranges)
        trained = replace(candidate(made.round_id), adapters=self._stored(made.round_id))
        material = material_of(made, used, RECIPE.sources, [pooled.sample for pooled in self._history])
        announcement = promote(trained, verdict(outcome), made, self.lineage, material, 1.0)
        number = announcement.version.number if announcement else None
        events.append(CandidateTrained(trained))
        events.append(CandidateJudged(made.round_id, number, verdict(outcome), "", 0, 0.0))
        if announcement is not None:
            events.append(VersionPromoted(announcement))
            self.lineage.apply(announcement)
        if outcome != "hold":
            self._history += used
        self._pool.remove(used)
        self._start = {0: made.ranges[0].end}
        self._run.used_up_to = dict(self._start)

    def roll_back(self, to: int) -> None:
        announcement = self.lineage.roll_back(to, 2.0)
        self._run.events.append(VersionRolledBack(announcement))
        self.lineage.apply(announcement)

    def _stored(self, round_id: str) -> AdapterPair:
        def stored(role: str) -> Path:
            folder = Path(tempfile.mkdtemp(dir=self._run.root))
            (folder / "adapter.json").write_text(f"{round_id} {role}", "utf-8")
            return folder

        return AdapterPair(*(self._run.store.put(stored(role)) for role in ("deployed", "proxy")))


def healthy(root: Path) -> Run:
    """Rounds 1 promoted, 2 held, 3 promoted; a plan that a rollback to version 1 drops; 4 promoted; some samples wait.

    A plan that is taken up again is there twice. Records that are fed again have two outcomes.
    """
    run = Run(FileStore(root / "store"), root)
    pool, known = Pool(), set[str]()
    for number in fed():
        run.asked.raw[key_of(number)] += 1
        if is_poison(number):
            run.messages.append(letter(number))
            continue
        run.asked.ingested[key_of(number)] += 1
        sample = sample_of(number)
        if _MIN_IFD < ifd_of(sample.content_digest) < _MAX_IFD and sample.content_digest not in known:
            known.add(sample.content_digest)
            pool.add(Pooled(sample, Position(0, len(known) - 1), 0.0))
            run.messages.append(admitted(sample, len(known) - 1))
        else:
            run.messages.append(rejected(sample))
    run.asked.wanted = known
    run.asked.rollbacks = 1
    trainer = _Trainer(run, pool)
    trainer.finish(trainer.plan(), "promote")
    trainer.finish(trainer.plan(), "hold")
    trainer.finish(trainer.plan(), "promote")
    trainer.plan()
    trainer.roll_back(1)
    trainer.plan()
    trainer.finish(trainer.plan(), "promote")
    return run
