"""Scorer, trainer and follower as the consumers run them, over `MemoryLog` in the place of Kafka.

What decides is the real code: the score step with its view of the samples; the whole trainer, with its commands,
its pool and its rounds. What stands in for a process is only who reads what when.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast

from confluent_kafka import Consumer, TopicPartition

from ccit.assembly.training import TrainerParts
from ccit.config import Config
from ccit.errors import ArtifactDamaged, ModelUnusable, TrainingFailed
from ccit.evaluation.gate import gate_of
from ccit.evaluation.judging import Judging
from ccit.events import Event, decode
from ccit.fates import Fate, Fates
from ccit.lineage import Lineage
from ccit.ports.rounds import TriggerContext
from ccit.records import AdapterPair, Artifact, Candidate, Material, Outcome, Position, Spend, digest_of
from ccit.triggers.any_of import AnyOf
from ccit.triggers.size import SizeTrigger
from consumers.kafka.messages import KafkaMessage, Output, next_offsets
from consumers.kafka.topics import Topics
from consumers.pool_reader import PoolReader
from consumers.round_job import Finished, RoundJob
from consumers.rounds import RoundSequence
from consumers.samples_view import SamplesView
from consumers.score_step import ScoreStep
from consumers.train import TrainConsumer
from consumers.versions import announcement_in
from tests.crash.parts import stub_scoring
from tests.evenly import evenly
from tests.nouns import recipe_of, verdict, version
from tests.property.memory_kafka import MemoryCommit, MemoryMember
from tests.property.memory_log import MemoryLog

TOPICS = Topics()
PARTITIONS = 2
MAX_BYTES = 10_000
ROUND_SIZE = 4
MIN_SIZE = 2
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
Said = Outcome | Literal["broken"] | None


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

    def find(self, uri: str) -> Artifact:
        return Artifact(uri, {name: digest_of(content.decode()) for name, content in self._contents[uri].items()})

    def put(self, directory: Path) -> Artifact:
        return self.put_files({file.name: file.read_bytes() for file in directory.iterdir()})


def event_of(message: KafkaMessage) -> Event:
    """The laws read the whole log again after each step."""
    return _decoded(message.value, tuple(message.headers))


@lru_cache(maxsize=4096)
def _decoded(value: bytes | None, headers: tuple[tuple[str, bytes | None], ...]) -> Event:
    return decode(value, headers)


def follow(lineage: Lineage, messages: Sequence[KafkaMessage]) -> None:
    """What a VersionFollower does with what it reads."""
    for message in messages:
        announcement = announcement_in(message)
        assert announcement is not None
        lineage.apply(announcement)


class Scorer:
    """One scorer: reads, decides, and takes in what is in the log; a new one has read it to its end."""

    def __init__(self, log: MemoryLog, name: str, *, exactly_once: bool) -> None:
        self._log = log
        self._name = name
        self._epoch = log.open(f"score-{name}")
        self._scoring = replace(stub_scoring(CONFIG, 0.0, lambda _: evenly(ahead=2)), base=version())
        self.lineage = Lineage(version())
        self.fates = Fates(self.lineage, COOLDOWN)
        self._known = SamplesView(self._scoring, TOPICS.samples.name, self.fates)
        self._step = ScoreStep(self._scoring, TOPICS, MAX_BYTES, lambda: 0.0, self._known, exactly_once=exactly_once)
        self._read: dict[tuple[str, int], int] = {}
        self.batch: list[KafkaMessage] = []
        self._outputs: list[Output] = []
        self.follow()

    def follow(self) -> None:
        """All three topics to their ends, the versions first, as between two batches."""
        sequence, judged = self.lineage.sequence, self.fates.judged
        follow(self.lineage, self._fresh(TOPICS.model_versions.name, 0))
        for message in self._fresh(TOPICS.rounds.name, 0):
            self.fates.take(event_of(message))
        for partition in range(PARTITIONS):
            self._known.apply(self._fresh(TOPICS.samples.name, partition))
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
        positions = next_offsets(self.batch)
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

    def knows(self) -> dict[Position, str]:
        """Position -> content digest of all that counts against novelty."""
        return self._scoring.admitted.digests()

    def would_decide(self, messages: Sequence[KafkaMessage]) -> list[tuple[str, bytes | None, bytes | None]]:
        """What it would write for a batch, without writing it."""
        outputs = self._step(messages)
        self._step.aborted()
        return [(output.topic, output.key, output.value) for output in outputs]

    def _fresh(self, topic: str, partition: int) -> list[KafkaMessage]:
        messages = self._log.read(topic, partition, self._read.get((topic, partition), 0))
        if messages:
            self._read[topic, partition] = messages[-1].offset + 1
        return messages


class ToldJob(RoundJob):
    """The real job, but for the models: what becomes of the round is told."""

    def __init__(self, *parts: Any) -> None:
        self._told = threading.Event()
        self._said: Said = None
        super().__init__(*parts)

    def tell(self, said: Said) -> None:
        """None is a training process that dies every time, `broken` what no try can mend."""
        self._said = said
        self._told.set()
        self._thread.join()

    def cancel(self) -> None:
        self._cancelled.set()
        self._told.set()
        super().cancel()

    def _require_trainable(self) -> None:
        """There is no trainer here; it would be."""

    def _once(self, material: Material) -> Finished:
        self._told.wait()
        if self._said is None:
            raise TrainingFailed("diverged")
        if self._said == "broken":
            raise ModelUnusable("as the state machine said")
        pair = AdapterPair(*(STORE.put_files({"adapter": f"{role} {self.planned.round_id}".encode()}) for role in "dp"))
        candidate = Candidate(self.planned.round_id, pair, 4, ("q_proj",), {}, Spend(), 0.0)
        return Finished(self.planned, material, candidate, verdict(self._said), Spend())


STORE = MemoryStore()  # by content, so it may be shared


def parts() -> TrainerParts:
    """Small rounds, and nothing that trains: see `ToldJob`."""
    nothing = cast(Any, None)
    return TrainerParts(
        base=version(),
        recipe=RECIPE,
        trigger=SizeTrigger(SizeTrigger.Settings(), TriggerContext(ROUND_SIZE, MIN_SIZE)),
        whole_pool_trigger=AnyOf(()),
        size=ROUND_SIZE,
        min_size=MIN_SIZE,
        judging=Judging({}, nothing, gate_of(CONFIG.evaluation)),
        trainer=nothing,
        misfit=lambda _: "",
        cancel=lambda: None,
        close=lambda: None,
    )


class Trainer:
    """One life of the real trainer, which is asked for one turn after the other.

    Parameters
    ----------
    alone : bool
        Fence every older one. A life that is not alone may look, and publishes nothing.
    """

    def __init__(self, log: MemoryLog, *, alone: bool = True) -> None:
        self.real = TrainConsumer(CONFIG, parts(), "a", lambda: 0.0)
        self.member = MemoryMember(log, "ccit.train", TOPICS.samples.name)
        self._as_client = cast(Consumer, self.member)
        self._partitions = [TopicPartition(TOPICS.samples.name, number) for number in range(log.partitions)]
        if alone:
            self.real._commit.open()
        self.real._catch_up(self._as_client)
        self.real._assigned(self._as_client, self._partitions)

    @property
    def job(self) -> ToldJob | None:
        """The round at work."""
        return cast("ToldJob | None", self.rounds.job)

    @property
    def rounds(self) -> RoundSequence:
        return self.real._rounds

    @property
    def gathered(self) -> PoolReader:
        return self.real._pool_reader

    def turn(self, count: int, trouble: Literal["", "aborted", "dies"] = "") -> None:
        """One turn, in which up to so many samples of each partition come; its next commit may meet trouble."""
        cast(MemoryCommit, self.real._commit).trouble = trouble
        self.member.allowance = count
        self.real._turn(self._as_client)

    def partition_goes(self, number: int) -> None:
        """And may come back."""
        if number in self.held():
            self.real._revoked(self._as_client, [self._partitions[number]])

    def partition_comes(self, number: int) -> None:
        if number not in self.held():
            self.real._assigned(self._as_client, [self._partitions[number]])

    def held(self) -> set[int]:
        return {place.partition for place in self.member.assignment()}

    @property
    def current(self) -> bool:
        """Whether no other has fenced it."""
        return cast(MemoryCommit, self.real._commit).current

    def gather_all(self) -> None:
        """Read all that there is."""
        self.member.allowance = 10_000
        self.gathered.read(self._as_client, unbounded=True)

    def starts(self) -> dict[int, int]:
        """First offset that no round has used, of the partitions it has."""
        return {number: start for number, start in self.gathered.start.items() if number in self.held()}

    def waiting(self) -> set[Position]:
        """What lies in its pool."""
        return {pooled.position for pooled in self.gathered.pool.waiting}

    def replayable(self) -> set[Position]:
        """What it may replay."""
        return {pooled.position for pooled in self.rounds.history}

    def fate(self, place: Position) -> Fate:
        """What has become of a sample, as it knows."""
        return self.rounds.log.fates.of(place)

    def die(self) -> None:
        """Whatever it was at; only its thread is waited for."""
        self.rounds.cancel()
