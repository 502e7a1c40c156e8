"""records -> samples | rejects | dead-letters: the online decision, one transaction per batch.

1. Between batches: follow the version topic (the proxy moves) and the samples topic (what other scorers admitted).
2. Step: read every record, decide the batch as if one by one. What is accepted is only pending.
3. Commit: decisions and offsets in one transaction (`consumers/kafka/commit.py`).
4. Only then the novelty index takes in what was accepted; an aborted batch leaves no trace in it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence

from ccit.assembly import Scoring
from ccit.config import Config
from ccit.errors import CcitError, InputError
from ccit.events import NAMES, RecordReceived, SampleAdmitted, SampleRejected, decode, encode, event_name
from ccit.ingest.rows import sample_from_record
from ccit.ingest.strict import MAX_DEPTH, parse_strict
from ccit.pipeline import admit
from ccit.records import Announcement, Decision, Position, ReplicaState, Sample
from ccit.scoring.vectors import encode_vector
from consumers.connection import commit_protocol, kafka_settings
from consumers.content_type import require_json
from consumers.dead_letters import dead_letter
from consumers.kafka.batches import BatchLimits, BatchLoop
from consumers.kafka.follower import Follower
from consumers.kafka.messages import Delivered, Message, Output
from consumers.kafka.topics import Topics
from consumers.reading import event_in
from consumers.reports import Reporter
from consumers.versions import VersionFollower

logger = logging.getLogger("ccit.score")

_EVENT_DEPTH = 2  # a record's row lies in `record.body`


class ScoreConsumer:
    """One scorer: the loop, and the two topics it follows."""

    def __init__(self, config: Config, scoring: Scoring, instance: str, clock: Callable[[], float] = time.time) -> None:
        settings = kafka_settings(config)
        self._topics = Topics(settings.prefix)
        self._scoring = scoring
        self._clock = clock
        self._max_bytes = config.ingest.max_bytes
        self._reporter = Reporter(settings, "score", instance)
        self._versions = VersionFollower(settings, scoring.base)
        self._admitted = Follower(settings, self._topics.samples)
        self._admitted_ids: set[str] = set()  # without transactions a record may come again after it was admitted
        self.loop = BatchLoop(
            settings,
            "score",
            [self._topics.records.name],
            self._step,
            commit_protocol(settings, f"score-{instance}"),
            limits=BatchLimits(config.kafka.batch_size, int(config.kafka.linger_seconds * 1000)),
            on_committed=self._committed,
            on_aborted=self._aborted,
            between=self._follow,
        )

    def run(self) -> None:
        """Rebuild the index from the samples topic, move the proxy to the active version, then decide until stopped."""
        incumbent = self._versions.catch_up()
        for messages in self._admitted.to_end():
            self._learn(messages)
        if incumbent.number:
            self._scoring.proxy.activate(incumbent)
        self._report("active", incumbent.number)
        logger.info("scoring with proxy version %d, %d samples known", incumbent.number, len(self._scoring.memory))
        try:
            self.loop.run()
        finally:
            self._report("stopped", self._scoring.proxy.version)
            self._versions.close()
            self._admitted.close()

    def _follow(self) -> None:
        announcement = self._versions.poll()
        self._learn(self._admitted.poll())
        if announcement is not None:
            self._move(announcement)

    def _move(self, announcement: Announcement) -> None:
        """The proxy and the novelty state follow the announcement together; a refused version changes neither."""
        number = announcement.version.number
        try:
            self._scoring.proxy.activate(announcement.version)
        except CcitError as error:
            logger.error("version %d is refused: %s", number, error)  # noqa: TRY400 - the sentence is the message
            self._report("failed", self._scoring.proxy.version, str(error))
            return
        if announcement.kind == "rolled_back":
            lineage = self._versions.lineage
            self._scoring.memory.forget(lambda position: not lineage.abandoned(position))
        self._report("active", number)
        logger.info("the proxy moved to version %d (%s)", number, announcement.kind)

    def _report(self, state: ReplicaState, version: int, detail: str = "") -> None:
        self._reporter.report(state, version, self._versions.lineage.sequence, detail, self._scoring.spent)

    # -- one batch --------------------------------------------------------------------------------------------------

    def _step(self, messages: Sequence[Message]) -> list[Output]:
        read = [self._read(message) for message in messages]
        samples = [found for found in read if isinstance(found, Sample)]
        fresh = [sample for sample in samples if sample.sample_id not in self._admitted_ids]
        decisions = admit(fresh, self._scoring.admission)
        letters = [found for found in read if isinstance(found, Output)]
        return [*letters, *(self._decided(decision) for decision in decisions)]

    def _read(self, message: Message) -> Sample | Output:
        """The sample in a record, or the dead letter it becomes."""
        try:
            return sample_in(message, self._max_bytes)
        except InputError as error:
            return dead_letter(message, error, "score", self._topics)

    def _decided(self, decision: Decision) -> Output:
        key = decision.sample.sample_id.encode()
        if not decision.accepted:
            value, headers = encode(SampleRejected(decision), at=self._clock(), source="ccit/score")
            return Output(self._topics.rejects.name, key, value, headers)
        vector = self._scoring.admission.vector(decision.sample.sample_id)
        admitted = SampleAdmitted(
            decision, decision.sample.content_digest, self._scoring.embedder.stamp, encode_vector(vector)
        )
        value, headers = encode(admitted, at=self._clock(), source="ccit/score")
        return Output(self._topics.samples.name, key, value, headers)

    def _committed(self, delivered: Sequence[Delivered]) -> None:
        positions: Mapping[str, Position] = {
            place.output.key.decode(): Position(place.partition, place.offset)
            for place in delivered
            if place.output.topic == self._topics.samples.name and place.output.key is not None
        }
        self._scoring.admission.commit(positions)
        self._admitted_ids.update(positions)

    def _aborted(self) -> None:
        self._scoring.admission.abort()

    # -- what others admitted ---------------------------------------------------------------------------------------

    def _learn(self, messages: Sequence[Message]) -> None:
        """Take in admitted samples from the log; those of our own are known already and are skipped."""
        for message in messages:
            event = event_in(message)
            if not isinstance(event, SampleAdmitted):
                continue
            position = Position(message.partition, message.offset)
            if not self._versions.lineage.abandoned(position):
                sample = event.decision.sample
                self._admitted_ids.add(sample.sample_id)
                self._scoring.learn(sample, event.content_digest, event.embedding, event.embedder, position)


def sample_in(message: Message, max_bytes: int) -> Sample:
    """The sample in a record's message.

    A hospital may write records itself, so they are read as strictly as rows.

    Parameters
    ----------
    max_bytes : int
        Largest row (`ingest.max_bytes`). A record may have four times that and 16 KiB: its names come again in the
        event, and its numbers are written out (`1e9,` as `1000000000.0,`), so that nothing ingest wrote is refused.

    Raises
    ------
    InputError
        Of every reason but `unscorable`.
    """
    require_json(message)
    most = 4 * max_bytes + 16 * 1024
    if message.value is not None and len(message.value) > most:
        raise InputError("too_large", f"expected at most {most} bytes, found {len(message.value)}; split the record")
    parse_strict(message.value, MAX_DEPTH + _EVENT_DEPTH)
    name = event_name(message.headers)
    event = decode(message.value, message.headers) if NAMES.get(name) is RecordReceived else None
    if not isinstance(event, RecordReceived):
        raise InputError("wrong_schema", f"expected the ce_type ccit.record-received.v1, found {name[:80]!r}")
    return sample_from_record(event.record)
