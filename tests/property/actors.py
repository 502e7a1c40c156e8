"""Scorer, trainer and follower as the consumers run them, over `MemoryLog` in the place of Kafka.

What decides is the real code: the score step with its knowledge, pool, plan, the publishing of outcomes, lineage. What
stands in for a process is only who reads what when.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ccit.config import Config
from ccit.errors import ArtifactDamaged
from ccit.events import CandidateJudged, Event, RoundPlanned, SampleAdmitted, decode
from ccit.fates import Fates
from ccit.lineage import Lineage
from ccit.pipeline import due, material_of, plan
from ccit.pool import Pool
from ccit.ports import TriggerContext
from ccit.records import (
    AdapterPair,
    Artifact,
    Candidate,
    OffsetRange,
    Outcome,
    Pooled,
    Round,
    Sample,
    Spend,
    digest_of,
)
from ccit.records import Position as Place
from ccit.triggers.size import SizeTrigger
from consumers.audit import announced, outcome, planned_output
from consumers.kafka.messages import GroupOffset, Message, Output, next_positions
from consumers.kafka.topics import Topics
from consumers.knowledge import Knowledge
from consumers.round_job import Finished
from consumers.score_step import ScoreStep
from consumers.versions import announcement_in
from tests.crash.parts import stub_scoring
from tests.evenly import evenly
from tests.nouns import recipe_of, verdict, version
from tests.property.memory_log import MemoryLog

TOPICS = Topics()
PARTITIONS = 2
MAX_BYTES = 10_000
ROUND_SIZE = 4
COOLDOWN = 1
CONFIG = Config.model_validate(
    {
        "selection": {
            "checks": {
                "length": {"min": 0},
                "novelty": {"max_similarity": 0.95},
                "diversity": False,
                "ifd": {"min": 0.1, "max": 2.0},
            }
        }
    }
)
RECIPE = recipe_of(ROUND_SIZE, replay=0.5, share=0.25, seed=7)


class MemoryStore:
    """Port `ArtifactStore`, without a disk."""

    def __init__(self) -> None:
        self._contents: dict[str, dict[str, bytes]] = {}

    def put_files(self, contents: Mapping[str, bytes]) -> Artifact:
        files = {name: digest_of(content.decode()) for name, content in contents.items()}
        artifact = Artifact(f"store://{digest_of(files)}", files)
        self._contents[artifact.uri] = dict(contents)
        return artifact

    def read(self, artifact: Artifact) -> Mapping[str, bytes]:
        if artifact.uri not in self._contents:
            raise ArtifactDamaged(f"{artifact.uri} is not in the store")
        return self._contents[artifact.uri]

    def put(self, directory: Path) -> Artifact:
        return self.put_files({file.name: file.read_bytes() for file in directory.iterdir()})


def event_of(message: Message) -> Event:
    return decode(message.value, message.headers)


def follow(lineage: Lineage, messages: Sequence[Message]) -> None:
    """What a VersionFollower does with what it reads."""
    for message in messages:
        announcement = announcement_in(message)
        assert announcement is not None
        lineage.apply(announcement)


class Scorer:
    """One scorer: reads, decides, and learns what is in the log; a new one has read it to its end."""

    def __init__(self, log: MemoryLog, name: str, *, exactly_once: bool) -> None:
        self._log = log
        self._name = name
        self._epoch = log.open(f"score-{name}")
        self._scoring = replace(stub_scoring(CONFIG, 0.0, lambda _: evenly(ahead=2)), base=version())
        self.lineage = Lineage(version())
        self.fates = Fates(self.lineage, COOLDOWN)
        self._known = Knowledge(self._scoring, TOPICS.samples.name, self.fates)
        self._step = ScoreStep(self._scoring, TOPICS, MAX_BYTES, lambda: 0.0, self._known, exactly_once=exactly_once)
        self._read: dict[tuple[str, int], int] = {}
        self.batch: list[Message] = []
        self._outputs: list[Output] = []
        self.follow()

    def follow(self) -> None:
        """All three topics to their ends, the versions first, as between two batches."""
        sequence, judged = self.lineage.sequence, self.fates.judged
        follow(self.lineage, self._fresh(TOPICS.model_versions.name, 0))
        for message in self._fresh(TOPICS.rounds.name, 0):
            self.fates.take(event_of(message))
        for partition in range(PARTITIONS):
            self._known.learn(self._fresh(TOPICS.samples.name, partition))
        if (self.lineage.sequence, self.fates.judged) != (sequence, judged):
            self._known.align()

    def begin(self, partitions: Sequence[int], count: int) -> None:
        """Read up to `count` messages of each partition from where the group is, and decide them."""
        topic = TOPICS.records.name
        self.batch = [
            message
            for partition in partitions
            for message in self._log.read(topic, partition, self._log.committed("score", topic, partition))[:count]
        ]
        self._outputs = self._step(self.batch) if self.batch else []

    def commit(self) -> None:
        """One transaction; only then the scorer knows more."""
        positions = next_positions(self.batch)
        delivered = self._log.commit(f"score-{self._name}", self._epoch, "score", self._outputs, positions)
        self._step.committed(delivered)
        self.batch = []

    def abort(self) -> None:
        """The transaction failed after its outputs were flushed."""
        self._log.abort(self._outputs)
        self._step.aborted()
        self.batch = []

    def write_alone(self) -> None:
        """At least once: the outputs reach the log, and the process dies before its offsets move."""
        self._log.write(self._outputs)

    def knows(self) -> dict[Place, str]:
        """Place -> content digest of all that counts against novelty."""
        return self._scoring.memory.digests()

    def would_decide(self, messages: Sequence[Message]) -> list[tuple[str, bytes | None, bytes | None]]:
        """What it would write for a batch, without writing it."""
        outputs = self._step(messages)
        self._step.aborted()
        return [(output.topic, output.key, output.value) for output in outputs]

    def _fresh(self, topic: str, partition: int) -> list[Message]:
        messages = self._log.read(topic, partition, self._read.get((topic, partition), 0))
        if messages:
            self._read[topic, partition] = messages[-1].offset + 1
        return messages


class Trainer:
    """One trainer's life: catches up, gathers, plans or takes up, publishes; fenced by the next one."""

    def __init__(self, log: MemoryLog, store: MemoryStore) -> None:
        self._log = log
        self._store = store
        self._epoch = log.open("train")  # first: from here on an older one can publish nothing
        self.lineage = Lineage(version())
        follow(self.lineage, log.read(TOPICS.model_versions.name, 0))
        self._replayable: list[OffsetRange] = []
        self.unfinished = self._audit()
        self.pool = Pool()
        self._start = {p: log.committed("train", TOPICS.samples.name, p) for p in range(PARTITIONS)}
        self._next = dict(self._start)
        self._history = self._read_history()
        self.job: Round | None = None

    def gather(self, partition: int, count: int) -> None:
        """Read some more samples of one partition."""
        for message in self._log.read(TOPICS.samples.name, partition, self._next[partition])[:count]:
            self._next[partition] = message.offset + 1
            event = event_of(message)
            assert isinstance(event, SampleAdmitted)
            self.pool.add(Pooled(event.decision.sample, Place(partition, message.offset), 0.0))

    def begin(self) -> None:
        """Take the unfinished round up, or plan one when it is due, and publish its manifest."""
        self.job = self._take_up() if self.unfinished else self._plan()

    def finish(self, said: Outcome | None) -> None:
        """Publish the outcome of the round at work, with the offsets; None is a round that could not be trained."""
        planned = self.job
        assert planned is not None
        self.job = None
        material = material_of(planned, self.pool.within(planned.ranges), RECIPE.sources, self._history)
        candidate = None if said is None else self._candidate(planned)
        judged = None if said is None else verdict(said)
        finished = Finished(planned, material, candidate, judged, Spend(), "" if said else "diverged")
        outputs, announcement = outcome(finished, self.lineage, [], 0.0, TOPICS)
        self._write(outputs, [GroupOffset(TOPICS.samples.name, r.partition, r.end) for r in planned.ranges])
        self._start.update({r.partition: r.end for r in planned.ranges})
        self.pool.remove(self.pool.within(planned.ranges))
        if announcement is not None:
            self.lineage.apply(announcement)
        if said in ("promote", "not_enough_evidence"):
            self._replayable += planned.ranges
            self._history += (*material.training, *material.validation)

    def roll_back(self, to: int | None) -> None:
        """Obey the command; `VersionConflict` where there is nothing to go to. A round at work is given up."""
        announcement = self.lineage.roll_back(to, 0.0)
        self._write(announced(announcement, TOPICS), [])
        self.lineage.apply(announcement)
        self.job = None
        self._history = self._read_history()

    def _take_up(self) -> Round | None:
        planned = self.unfinished
        if planned is None or planned.parent != self.lineage.incumbent.number:
            self.unfinished = None
            return None
        present = {pooled.sample.sample_id for pooled in self.pool.within(planned.ranges)}
        if not present.issuperset((*planned.sample_ids, *planned.validation_ids)):
            return None  # the log is still being read
        self.unfinished = None
        return planned

    def _plan(self) -> Round | None:
        why = due(self.pool, SizeTrigger(SizeTrigger.Settings(), TriggerContext(ROUND_SIZE, 1)), 0.0)
        if why is None:
            return None
        planned = plan(self.pool, why, self.lineage.incumbent, RECIPE, self._history, self._start)
        self._write([planned_output(planned, 0.0, TOPICS)], [])
        return planned

    def _candidate(self, planned: Round) -> Candidate:
        deployed, proxy = (
            self._store.put_files({"adapter": f"{role} {planned.round_id}".encode()}) for role in ("deployed", "proxy")
        )
        return Candidate(planned.round_id, AdapterPair(deployed, proxy), 4, ("q_proj",), {}, Spend(), 0.0)

    def _write(self, outputs: Sequence[Output], positions: Sequence[GroupOffset]) -> None:
        self._log.commit("train", self._epoch, "train", outputs, positions)

    def _audit(self) -> Round | None:
        planned: dict[str, Round] = {}
        judged: set[str] = set()
        for event in map(event_of, self._log.read(TOPICS.rounds.name, 0)):
            if isinstance(event, RoundPlanned):
                planned[event.round_id] = event.planned
            elif isinstance(event, CandidateJudged):
                judged.add(event.round_id)
                if event.verdict is not None and event.verdict.outcome != "hold":
                    self._replayable += planned[event.round_id].ranges
        last = next(reversed(planned.values()), None)
        return None if last is None or last.round_id in judged else last

    def _read_history(self) -> list[Sample]:
        found = []
        for message in self._log.all_of(TOPICS.samples.name):
            place = Place(message.partition, message.offset)
            inside = any(r.partition == place.partition and r.start <= place.offset < r.end for r in self._replayable)
            if inside and not self.lineage.abandoned(place):
                event = event_of(message)
                assert isinstance(event, SampleAdmitted)
                found.append(event.decision.sample)
        return found
