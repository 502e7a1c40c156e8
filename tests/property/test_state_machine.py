"""The whole system under any order of events: crashes, aborts, duplicates, rebalances, two trainers, rollbacks.

Hypothesis draws the order. The laws are checked after every step; a failure prints the steps and a blob that replays
them (`@reproduce_failure`). Two machines: with transactions, and without (at least once).
"""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, rule

from ccit.records import Position
from tests.property.system_laws import LawfulSystem, name_of
from tests.property.whole_system import SLOTS


class AtLeastOnce(LawfulSystem):
    """Everything but what only transactions give."""

    exactly_once = False


class ExactlyOnce(AtLeastOnce):
    """With transactions no process dies between its outputs and its offsets, and every message has one outcome."""

    exactly_once = True

    def scorer_dies_between_outputs_and_offsets(self, slot: int) -> None:
        """The outputs are there, the transaction is not committed: its next holder aborts it."""

    @rule(slot=SLOTS)
    def scorer_dies_in_its_transaction(self, slot: int) -> None:
        self.batch_is_aborted(slot)
        self.scorer_starts(slot)

    @invariant()
    def every_message_has_one_outcome(self) -> None:
        """A record that was sent twice under its id has two: the second is refused as an exact duplicate."""
        behind = self.committed_records()
        sent = Counter(name_of(message) for message in behind if name_of(message))
        assert self.decided() == sent
        assert self.letters() == Counter(Position(m.partition, m.offset) for m in behind if not name_of(m))


LIMITS = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
TestExactlyOnce = ExactlyOnce.TestCase
TestExactlyOnce.settings = LIMITS
TestAtLeastOnce = AtLeastOnce.TestCase
TestAtLeastOnce.settings = LIMITS
