"""One batch of records: each becomes a sample, a reject or a dead letter. No broker is needed, so it is easily tested.

What a person has released from quarantine comes among them, on a topic of its own (`consumers/quarantine.py`).

A record that cannot be read is a dead letter. So is one that makes a scorer fail while a plain sample, tried right
after it, does not: it is `unscorable`. Where that fails too, it is the device and not the record;
the failure ends the process, nothing is committed, and the batch waits for whoever is started next.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ccit.assembly.scoring import ScoringParts
from ccit.bounds import MAX_DEPTH
from ccit.errors import CcitError, InputError
from ccit.events import (
    NAMES,
    RecordReceived,
    SampleAdmitted,
    SampleRejected,
    SampleReleased,
    decode,
    encode,
    event_name,
)
from ccit.generation.origins import annotations_of
from ccit.ingest.rows import sample_from_record
from ccit.ingest.strict import parse_strict
from ccit.pipeline import admit
from ccit.records import Arm, Decision, Record, Sample
from ccit.scoring.spaces import SAMPLE
from ccit.selection.admission import QUARANTINE
from ccit.vectors import encode_vector
from consumers.content_type import require_json
from consumers.dead_letters import dead_letter
from consumers.kafka.messages import Delivered, KafkaMessage, Output
from consumers.kafka.topics import Topics
from consumers.quarantine import is_quarantined, released_in
from consumers.samples_view import SamplesView

logger = logging.getLogger("ccit.score")

_EVENT_DEPTH = 2  # a record's row lies in `record.body`
_PLAIN = Sample("plain", "plain", "ccit", "en", "What is one and one?", "One and one is two.")

# What torch, tokenizers and numpy raise when one input does not suit them, and also when a device is gone.
_SCORERS_RAISE = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError, CcitError)


class ScoreStep:
    """Messages of `records` in, decisions and dead letters out; what is accepted is pending until `committed`.

    Parameters
    ----------
    max_bytes : int
        Largest row, `ingest.max_bytes`.
    known : SamplesView
        What is in the samples topic.
    exactly_once : bool
        With transactions, a record that was admitted comes again only if it was sent again: it is refused as an exact
        duplicate, so that every message has its one outcome. Without them the broker may bring it again by itself; then
        it is dropped, its outcome is there already.
    """

    def __init__(
        self,
        scoring: ScoringParts,
        topics: Topics,
        max_bytes: int,
        clock: Callable[[], float],
        known: SamplesView,
        *,
        exactly_once: bool,
    ) -> None:
        self._scoring = scoring
        self._topics = topics
        self._max_bytes = max_bytes
        self._clock = clock
        self._known = known
        self._exactly_once = exactly_once
        self._batch: list[Decision] = []  # those of the batch at hand
        self._made: dict[str, Mapping[str, str]] = {}  # sample id -> how it was made, where it was generated
        self.decided: Counter[tuple[Arm, str]] = Counter()  # arm and reason -> decisions in the log
        self.quarantined: Counter[str] = Counter()  # cause -> refusals in the log

    def __call__(self, messages: Sequence[KafkaMessage]) -> list[Output]:
        """Decide a batch exactly as if one by one."""
        self._batch.clear()
        self._made.clear()
        letters: list[Output] = []
        settled: list[Output] = []  # copies, and what was released
        read: list[tuple[KafkaMessage, Sample]] = []
        for message in messages:
            try:
                sample, release = self._read(message)
            except InputError as error:
                letters.append(dead_letter(message, error, "score", self._topics))
                continue
            if sample.sample_id in self._known:
                settled += [self._decided(self._refused_as_copy(sample))] if self._exactly_once else []
            elif release is not None:
                settled.append(self._release(message, release))
            else:
                read.append((message, sample))
        return [*letters, *settled, *self._decide(read)]

    def committed(self, delivered: Sequence[Delivered]) -> None:
        """The batch is in the log, at these places."""
        self._known.commit(delivered)
        self.decided.update((decision.arm, decision.reason) for decision in self._batch)
        self.quarantined.update(one.annotations[QUARANTINE] for one in self._batch if is_quarantined(one))
        for found in self._scoring.audit.committed(self._batch):
            logger.warning(
                "the proxy no longer ranks samples as the deployed model does (%s): what it refuses may be worth "
                "learning; see the proxy audit in docs/concepts.md",
                found,
            )

    def aborted(self) -> None:
        """The batch did not reach the log: nothing of it counts."""
        self._scoring.admission.abort()

    def _read(self, message: KafkaMessage) -> tuple[Sample, SampleReleased | None]:
        """The sample of a record, or that of a release and the release."""
        if message.topic == self._topics.releases.name:
            release = released_in(message)
            return release.decision.sample, release
        record = record_in(message, self._max_bytes)
        sample = sample_from_record(record)
        if made := annotations_of(record):
            self._made[sample.sample_id] = made
        return sample, None

    def _release(self, message: KafkaMessage, released: SampleReleased) -> Output:
        """The sample, or a dead letter where it cannot be embedded."""
        try:
            decision = self._scoring.admission.release(released.decision, released.by)
        except _SCORERS_RAISE as failure:
            return self._unscorable(message, failure)
        return self._decided(decision)

    def _decide(self, read: Sequence[tuple[KafkaMessage, Sample]]) -> list[Output]:
        try:
            decisions = admit([sample for _, sample in read], self._scoring.admission)
        except _SCORERS_RAISE as failure:
            logger.warning("a batch of %d could not be scored together: %s", len(read), type(failure).__name__)
            return self._one_by_one(read)
        return [self._decided(one) for one in self._annotated(decisions)]

    def _one_by_one(self, read: Sequence[tuple[KafkaMessage, Sample]]) -> list[Output]:
        """The same decisions, and a dead letter for each record that fails alone."""
        outputs: list[Output] = []
        for message, sample in read:
            try:
                decisions = admit([sample], self._scoring.admission)
            except _SCORERS_RAISE as failure:
                outputs.append(self._unscorable(message, failure))
            else:
                outputs += [self._decided(one) for one in self._annotated(decisions)]
        return outputs

    def _annotated(self, decisions: Sequence[Decision]) -> Sequence[Decision]:
        """With what audit and drift monitor have to say."""
        return self._scoring.drift.marked(self._audited(decisions))

    def _unscorable(self, message: KafkaMessage, failure: Exception) -> Output:
        self._require_working()  # each time: a device may go in the middle of a batch
        found = InputError("unscorable", f"expected scores, but a scorer raised {type(failure).__name__}")
        return dead_letter(message, found, "score", self._topics)

    def _audited(self, decisions: Sequence[Decision]) -> Sequence[Decision]:
        """With what the deployed model says of some of them. They stand whatever becomes of that."""
        try:
            return self._scoring.audit.asked(decisions)
        except _SCORERS_RAISE as failure:
            logger.warning("the deployed model could not score what the proxy audit drew: %s", type(failure).__name__)
            return decisions

    def _refused_as_copy(self, sample: Sample) -> Decision:
        """Even after a rollback: it sets digests aside, but the sample was admitted all the same."""
        return self._scoring.admission.refused_as_copy(sample)

    def _require_working(self) -> None:
        """Raise what a plain sample makes the scorers raise."""
        self._scoring.embedder.embed([_PLAIN.response])
        self._scoring.proxy.score([_PLAIN])

    def _decided(self, plain: Decision) -> Output:
        made = self._made.get(plain.sample.sample_id, {})
        decision = replace(plain, annotations={**plain.annotations, **made}) if made else plain
        self._batch.append(decision)
        key = decision.sample.sample_id.encode()
        if not decision.accepted:
            value, headers = encode(SampleRejected(decision), at=self._clock(), source="ccit/score")
            return Output(self._topics.rejects.name, key, value, headers)
        vectors = self._scoring.admission.vectors(decision.sample.sample_id)
        spaces = {space: encode_vector(vector) for space, vector in vectors.items()}
        embedding, digest = spaces.pop(SAMPLE), decision.sample.content_digest
        admitted = SampleAdmitted(decision, digest, self._scoring.embedder.stamp, embedding, spaces)
        value, headers = encode(admitted, at=self._clock(), source="ccit/score")
        return Output(self._topics.samples.name, key, value, headers)


def record_in(message: KafkaMessage, max_bytes: int) -> Record:
    """The record in a message.

    A hospital may write records itself, so they are read as strictly as rows.

    Parameters
    ----------
    max_bytes : int
        Largest row (`ingest.max_bytes`). A record may have four times that and 16 KiB: its names come again in the
        event, and its numbers are written out (`9e15,` as `9000000000000000.0,`), so that nothing ingest wrote is
        refused.

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
    return event.record
