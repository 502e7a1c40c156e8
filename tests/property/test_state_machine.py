"""The whole system under any order of events: crashes, aborts, duplicates, rebalances, two trainers, rollbacks.

Hypothesis draws the order. The laws are checked after every step; a failure prints the steps and a blob that replays
them (`@reproduce_failure`). Two machines: with transactions, and without (at least once).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

import orjson
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ccit.audit import verify
from ccit.errors import Fenced, VersionConflict
from ccit.events import (
    CandidateJudged,
    RecordReceived,
    RoundPlanned,
    SampleAdmitted,
    SampleRejected,
    VersionPromoted,
    VersionRolledBack,
    encode,
)
from ccit.lineage import Lineage
from ccit.records import Outcome, Record
from ccit.records import Position as Place
from consumers.dead_letters import letter_in
from consumers.kafka.messages import Message
from tests.nouns import version
from tests.property.actors import PARTITIONS, TOPICS, MemoryStore, Scorer, Trainer, event_of, follow
from tests.property.memory_log import MemoryLog

SLOTS = st.integers(0, 1)
PARTS = st.integers(0, PARTITIONS - 1)
SOME = st.integers(1, 6)
OUTCOMES: st.SearchStrategy[Outcome | None] = st.sampled_from(
    ["promote", "promote", "hold", "not_enough_evidence", None]
)
Deed = Outcome | Literal["roll back", "again"] | None
DEEDS: st.SearchStrategy[Deed] = st.sampled_from(
    ["promote", "promote", "roll back", "roll back", "again", "hold", "not_enough_evidence", None]
)
TEXTS = st.integers(0, 99)  # few enough that copies are frequent, so many that rounds fill


class AtLeastOnce(RuleBasedStateMachine):
    """Everything but what only transactions give."""

    exactly_once = False

    def __init__(self) -> None:
        super().__init__()
        self.log = MemoryLog(PARTITIONS)
        self.store = MemoryStore()
        self.scorers: list[Scorer | None] = [self._scorer("0"), None]
        self.owner = dict.fromkeys(range(PARTITIONS), 0)  # partition -> slot
        self.trainers: list[Trainer | None] = [Trainer(self.log, self.store), None]
        self.followers = [Lineage(version()), Lineage(version())]
        self.followed = [0, 0]
        self.sent: list[Message] = []

    # -- records ------------------------------------------------------------------------------------------------------

    @initialize(texts=st.lists(TEXTS, min_size=8, max_size=30), past=st.lists(DEEDS, max_size=8))
    def a_past(self, texts: list[int], past: list[Deed]) -> None:
        """A history to begin with: records decided, rounds, rollbacks, records that come again."""
        self.burst_arrives(texts)
        for deed in past:
            if deed == "roll back":
                self.operator_rolls_back(0, None)
            elif deed == "again":
                self.record_comes_again(len(self.sent) // 2)
            else:
                self.everyone_works(12, deed)

    @rule(count=SOME, said=OUTCOMES)
    def everyone_works(self, count: int, said: Outcome | None) -> None:
        """The usual turn of all, so that histories get long."""
        for slot in range(2):
            self.scorer_turns(slot, count)
        for slot in range(2):
            self.trainer_makes_a_round(slot, said)

    @rule(text=TEXTS, partition=PARTS)
    def record_arrives(self, text: int, partition: int) -> None:
        name = f"ward:{len(self.sent)}"
        body = {"lang": "en", "instruction": f"What is {text}?", "output": f"It is {text}."}
        self._send(
            *encode(RecordReceived(Record(name, name, "ward", 0.0, body)), at=0.0, source="test"), partition=partition
        )

    @rule(texts=st.lists(TEXTS, min_size=4, max_size=12))
    def burst_arrives(self, texts: list[int]) -> None:
        for number, text in enumerate(texts):
            self.record_arrives(text, number % PARTITIONS)

    @rule(partition=PARTS, value=st.sampled_from([b"", b"{", b"{}", b"[" * 2000]))
    def poison_arrives(self, partition: int, value: bytes) -> None:
        self._send(value, (), partition)

    @precondition(lambda self: bool(self.sent))
    @rule(number=st.integers(0, 1000))
    def record_comes_again(self, number: int) -> None:
        message = self.sent[number % len(self.sent)]
        self._send(message.value, message.headers, message.partition)

    def _send(self, value: bytes | None, headers: tuple[tuple[str, bytes | None], ...], partition: int) -> None:
        place = self.log.append(TOPICS.records.name, None, value, headers, partition)
        self.sent.append(Message(place.topic, partition, place.offset, None, value, headers))

    # -- scorers ------------------------------------------------------------------------------------------------------

    @rule(slot=SLOTS)
    def scorer_starts(self, slot: int) -> None:
        """Or dies, with what it has in hand, and is started again."""
        self.scorers[slot] = self._scorer(str(slot))

    @rule(slot=SLOTS)
    def scorer_is_gone(self, slot: int) -> None:
        """Its partitions go to the other one, if there is one."""
        self.scorers[slot] = None
        self._assign({partition: 1 - slot for partition, owner in self.owner.items() if owner == slot})

    @rule(first=SLOTS, second=SLOTS)
    def rebalance(self, first: int, second: int) -> None:
        self._assign({0: first, 1: second})

    @rule(slot=SLOTS)
    def scorer_follows(self, slot: int) -> None:
        scorer = self.scorers[slot]
        if scorer is not None and not scorer.batch:
            scorer.follow()

    @rule(slot=SLOTS, count=SOME)
    def scorer_decides(self, slot: int, count: int) -> None:
        scorer = self.scorers[slot]
        if scorer is not None and not scorer.batch:
            scorer.begin([p for p, owner in self.owner.items() if owner == slot], count)

    @rule(slot=SLOTS)
    def scorer_commits(self, slot: int) -> None:
        """The broker refuses a batch that was read under an older assignment."""
        scorer = self.scorers[slot]
        if scorer is None or not scorer.batch:
            return
        if all(self.owner[message.partition] == slot for message in scorer.batch):
            scorer.commit()
        else:
            scorer.abort()

    @rule(slot=SLOTS, count=SOME)
    def scorer_turns(self, slot: int, count: int) -> None:
        """Follow, decide, commit."""
        self.scorer_follows(slot)
        self.scorer_decides(slot, count)
        self.scorer_commits(slot)

    @rule(slot=SLOTS)
    def batch_is_aborted(self, slot: int) -> None:
        scorer = self.scorers[slot]
        if scorer is not None and scorer.batch:
            scorer.abort()

    @rule(slot=SLOTS)
    def scorer_dies_between_outputs_and_offsets(self, slot: int) -> None:
        scorer = self.scorers[slot]
        if scorer is not None and scorer.batch:
            scorer.write_alone()
            self.scorer_starts(slot)

    @rule(slot=SLOTS)
    def scorer_dies_after_its_commit(self, slot: int) -> None:
        self.scorer_commits(slot)
        self.scorer_starts(slot)

    def _scorer(self, name: str) -> Scorer:
        return Scorer(self.log, name, exactly_once=self.exactly_once)

    def _assign(self, owners: dict[int, int]) -> None:
        """Whoever takes a partition over reads first what others admitted."""
        taking = {slot for partition, slot in owners.items() if self.owner[partition] != slot}
        self.owner |= owners
        for slot in taking:
            scorer = self.scorers[slot]
            if scorer is not None:
                if scorer.batch:
                    scorer.abort()
                scorer.follow()

    # -- trainers and followers ---------------------------------------------------------------------------------------

    @rule(slot=SLOTS)
    def trainer_starts(self, slot: int) -> None:
        """Or dies, whatever it was at, and is started again; either way it fences the other."""
        self.trainers[slot] = Trainer(self.log, self.store)

    @rule(slot=SLOTS, partition=PARTS, count=SOME)
    def trainer_gathers(self, slot: int, partition: int, count: int) -> None:
        trainer = self.trainers[slot]
        if trainer is not None:
            trainer.gather(partition, count)

    @rule(slot=SLOTS)
    def trainer_plans(self, slot: int) -> None:
        trainer = self.trainers[slot]
        if trainer is not None and trainer.job is None:
            self._unless_fenced(slot, trainer.begin)

    @rule(slot=SLOTS, said=OUTCOMES)
    def trainer_publishes(self, slot: int, said: Outcome | None) -> None:
        trainer = self.trainers[slot]
        if trainer is not None and trainer.job is not None:
            self._unless_fenced(slot, lambda: trainer.finish(said))

    @rule(slot=SLOTS, said=OUTCOMES)
    def trainer_makes_a_round(self, slot: int, said: Outcome | None) -> None:
        """Gather, plan, publish."""
        for partition in range(PARTITIONS):
            self.trainer_gathers(slot, partition, 100)
        self.trainer_plans(slot)
        self.trainer_publishes(slot, said)

    @rule(slot=SLOTS, to=st.none() | st.integers(0, 4))
    def operator_rolls_back(self, slot: int, to: int | None) -> None:
        trainer = self.trainers[slot]
        if trainer is not None:
            self._unless_fenced(slot, lambda: trainer.roll_back(to))

    def _unless_fenced(self, slot: int, act: object) -> None:
        try:
            act()  # type: ignore[operator]  # any callable without arguments
        except Fenced:
            self.trainers[slot] = None
        except VersionConflict:
            pass  # there is nothing to roll back to, which the operator is told

    @rule(slot=SLOTS, count=SOME)
    def follower_reads(self, slot: int, count: int) -> None:
        messages = self.log.read(TOPICS.model_versions.name, 0, self.followed[slot])[:count]
        follow(self.followers[slot], messages)
        if messages:
            self.followed[slot] = messages[-1].offset + 1

    @rule(slot=SLOTS)
    def follower_reads_again_what_it_knows(self, slot: int) -> None:
        follow(self.followers[slot], self.log.read(TOPICS.model_versions.name, 0)[: self.followed[slot]])
        self.followed[slot] = 0

    # -- laws ---------------------------------------------------------------------------------------------------------

    def committed_records(self) -> list[Message]:
        """Records behind the group's offsets."""
        ends = {p: self.log.committed("score", TOPICS.records.name, p) for p in range(PARTITIONS)}
        return [message for message in self.sent if message.offset < ends[message.partition]]

    def decided(self) -> Counter[str]:
        """Decisions per record id that a read-committed reader sees."""
        found: Counter[str] = Counter()
        for topic in (TOPICS.samples, TOPICS.rejects):
            for event in map(event_of, self.log.all_of(topic.name)):
                assert isinstance(event, SampleAdmitted | SampleRejected)
                found[event.decision.sample.record_id] += 1
        return found

    def letters(self) -> Counter[Place]:
        found = (letter_in(message) for message in self.log.all_of(TOPICS.dead_letters.name))
        return Counter(Place(letter.partition, letter.offset) for letter in found)

    @invariant()
    def nothing_is_lost(self) -> None:
        decided, letters = self.decided(), self.letters()
        for message in self.committed_records():
            name = name_of(message)
            assert decided[name] if name else letters[Place(message.partition, message.offset)]

    @invariant()
    def no_sample_is_admitted_twice(self) -> None:
        ids = Counter(message.key for message in self.log.all_of(TOPICS.samples.name))
        assert not [key for key, count in ids.items() if count > 1]

    @invariant()
    def each_sample_is_in_one_judged_round_at_most(self) -> None:
        events = [event_of(message) for message in self.log.read(TOPICS.rounds.name, 0)]
        planned = {event.round_id: event.planned for event in events if isinstance(event, RoundPlanned)}
        used = Counter(
            sample_id
            for event in events
            if isinstance(event, CandidateJudged)
            for sample_id in (*planned[event.round_id].sample_ids, *planned[event.round_id].validation_ids)
        )
        assert not [sample_id for sample_id, count in used.items() if count > 1]

    @invariant()
    def the_same_round_has_the_same_id(self) -> None:
        contents: dict[object, str] = {}
        for event in map(event_of, self.log.read(TOPICS.rounds.name, 0)):
            if isinstance(event, RoundPlanned):
                made = event.planned
                content = (made.ranges, made.sample_ids, made.validation_ids, made.parts["replay"], made.parent)
                assert contents.setdefault(content, event.round_id) == event.round_id
        assert len(set(contents.values())) == len(contents)

    @invariant()
    def announcements_are_one_line(self) -> None:
        active, sequence, numbers = 0, 0, [0]
        seen = Lineage(version())
        for message in self.log.read(TOPICS.model_versions.name, 0):
            event = event_of(message)
            assert isinstance(event, VersionPromoted | VersionRolledBack)
            announcement = event.announcement
            if not seen.apply(announcement):
                assert announcement.sequence == sequence  # the same one under its second key
                continue
            assert announcement.sequence == sequence + 1
            assert announcement.expected_previous == active
            sequence, active = announcement.sequence, announcement.version.number
            if announcement.kind == "promoted":
                assert announcement.version.parent == announcement.expected_previous
                assert active == len(numbers)
                numbers.append(active)
            assert active in numbers

    @invariant()
    def the_audit_finds_nothing(self) -> None:
        messages = [*self.log.read(TOPICS.rounds.name, 0), *self.log.read(TOPICS.model_versions.name, 0)]
        assert verify(map(event_of, messages), self.store).findings == []

    @rule(slot=SLOTS)
    def every_follower_ends_with_the_same_incumbent(self, slot: int) -> None:
        """One that followed, one that was away, and one that finds the topic compacted."""
        whole, compacted = Lineage(version()), Lineage(version())
        follow(whole, self.log.read(TOPICS.model_versions.name, 0))
        follow(compacted, self.log.compacted(TOPICS.model_versions.name))
        self.follower_reads(slot, 1000)
        for lineage in (compacted, self.followers[slot]):
            assert lineage.incumbent == whole.incumbent
            assert lineage.sequence == whole.sequence
            assert lineage.versions == whole.versions
            for place in self.sample_places():
                assert lineage.abandoned(place) == whole.abandoned(place)

    @rule(slot=SLOTS, texts=st.lists(TEXTS, max_size=4))
    def a_rebuilt_scorer_is_one_that_was_never_away(self, slot: int, texts: list[int]) -> None:
        scorer = self.scorers[slot]
        if scorer is None or scorer.batch:
            return
        scorer.follow()
        rebuilt = self._scorer("probe")
        assert rebuilt.knows() == scorer.knows()
        assert set(scorer.knows()) == {place for place in self.sample_places() if scorer.fates.known(place)}
        probe = [*probes(texts), *self.sent[-4:]]
        assert rebuilt.would_decide(probe) == scorer.would_decide(probe)

    def teardown(self) -> None:
        """Whatever was drawn, the two laws about latecomers are asked at the end."""
        for slot in range(2):
            self.every_follower_ends_with_the_same_incumbent(slot)
            self.a_rebuilt_scorer_is_one_that_was_never_away(slot, list(range(0, 100, 9)))

    def sample_places(self) -> Iterable[Place]:
        return (Place(m.partition, m.offset) for m in self.log.all_of(TOPICS.samples.name))


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
        assert self.letters() == Counter(Place(m.partition, m.offset) for m in behind if not name_of(m))


def name_of(message: Message) -> str:
    """The record's id; empty for poison."""
    try:
        return str(orjson.loads(message.value or b"")["record"]["record_id"])
    except (orjson.JSONDecodeError, KeyError):
        return ""


def probes(texts: Iterable[int]) -> list[Message]:
    """Records that nobody has sent."""
    found = []
    for number, text in enumerate(texts):
        name = f"probe:{number}"
        body = {"lang": "en", "instruction": f"What is {text}?", "output": f"It is {text}."}
        value, headers = encode(RecordReceived(Record(name, name, "ward", 0.0, body)), at=0.0, source="test")
        found.append(Message(TOPICS.records.name, 0, number, None, value, headers))
    return found


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
