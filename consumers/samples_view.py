"""A materialized view of the samples topic: which samples were admitted, their digests and vectors, and what the policy
counts of them.

It is a function of three topics alone, samples, rounds and model-versions, however it came about: decided here, read
from the log, or taken from a snapshot. So a scorer that was restarted decides as one that had never been away.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from ccit.assembly.scoring import ScoringParts
from ccit.errors import InputError
from ccit.events import SampleAdmitted
from ccit.fates import Fates
from ccit.ports.drift import Accepted
from ccit.records import Decision, Position
from ccit.scoring.snapshot import Snapshot, SnapshotOrigin
from ccit.selection.admitted import Vector
from consumers.kafka.messages import Delivered, KafkaMessage
from consumers.reading import event_in

logger = logging.getLogger("ccit.score")


class SamplesView:
    """The admitted samples, and their rows they came from, in step with the rounds and the line of versions.

    Parameters
    ----------
    topic : str
        Full name of the samples topic.
    fates : Fates
        As the rounds and the version topic tell them; someone else moves them, and calls `align` then.
    """

    def __init__(self, scoring: ScoringParts, topic: str, fates: Fates) -> None:
        spaces = tuple(sorted(scoring.admitted.spaces))
        self.origin = SnapshotOrigin(
            *(topic, scoring.base.alias, scoring.embedder.stamp, scoring.admission.policy_origin, spaces),
            scoring.drift.stamp,
        )
        self._scoring = scoring
        self._admitted = scoring.admitted
        self._fates = fates
        self._ids: dict[Position, str] = {}
        self._decided: set[str] = set()  # ids; a rollback undoes what was trained, not that it was decided

    def __contains__(self, sample_id: str) -> bool:
        return sample_id in self._decided

    def __len__(self) -> int:
        return len(self._ids)

    def commit(self, delivered: Sequence[Delivered]) -> None:
        """Our own batch is in the log: what was pending is known, with its place."""
        topic = self.origin.topic
        places = {
            d.output.key.decode(): Position(d.partition, d.offset)
            for d in delivered
            if d.output.topic == topic and d.output.key is not None
        }
        self._scoring.admission.commit(places)
        self._note({position: sample_id for sample_id, position in places.items()})

    def apply(self, messages: Sequence[KafkaMessage]) -> None:
        """Take in admitted samples from the log; those that are known already are skipped, but by the drift monitor:
        it counts each when the log brings it, because the order is what it is about.
        """
        found: dict[Position, Decision] = {}
        for message in messages:
            position = Position(message.partition, message.offset)
            known = position in self._ids
            if known and not self._scoring.drift.on:
                continue
            event = event_in(message)
            if isinstance(event, SampleAdmitted) and (vectors := self._vectors(event, position)) is not None:
                self._scoring.drift.observe(position, Accepted(event.decision, vectors))
                if not known:
                    self._admitted.add(event.decision.sample.content_digest, vectors, position)
                    found[position] = event.decision
        self._scoring.admission.observe(list(found.values()))
        self._note({position: decision.sample.sample_id for position, decision in found.items()})
        if not all(self._fates.known(position) for position in found):
            self.align()

    def align(self) -> None:
        """Count what waits, is in a round or was trained on, and not what was set aside."""
        self._admitted.retain(self._fates.known)

    def snapshot(self, next_offsets: Mapping[int, int]) -> Snapshot:
        """All rows, for a file; `next_offsets` is how far the log was read, per partition."""
        positions, digests, vectors = self._admitted.rows()
        ids = tuple(self._ids[position] for position in positions)
        state = self._scoring.admission.policy_state()
        drift = self._scoring.drift.snapshot()
        return Snapshot(self.origin, dict(next_offsets), positions, ids, digests, vectors, state, drift)

    def restored(self, snapshot: Snapshot) -> bool:
        """Take in what an earlier life knew; rounds may have ended since, and versions been left or taken up again.

        False, and nothing has changed, where policy or drift monitor cannot take its state back.
        """
        drift = self._scoring.drift
        try:
            drift.restore(snapshot.drift)
            self._scoring.admission.restore_policy(snapshot.policy)
        except ValueError as error:
            drift.restore({})
            logger.warning("a snapshot is not used: policy or drift monitor cannot take back its state: %s", error)
            return False
        self._admitted.add_all(snapshot.digests, snapshot.vectors, snapshot.positions)
        self._note(dict(zip(snapshot.positions, snapshot.sample_ids, strict=True)))
        self.align()
        return True

    def _vectors(self, event: SampleAdmitted, position: Position) -> Mapping[str, Vector] | None:
        try:
            return self._scoring.vectors_of(event)
        except InputError as error:
            logger.warning("skipped the sample at %s: %s", position, error)
            return None

    def _note(self, found: Mapping[Position, str]) -> None:
        self._ids.update(found)
        self._decided.update(found.values())
