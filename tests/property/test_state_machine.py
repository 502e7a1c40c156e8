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
from ccit.errors import Fenced
from ccit.events import (
    CandidateJudged,
    CommandIssued,
    RecordReceived,
    RoundPlanned,
    SampleAdmitted,
    SampleRejected,
    VersionPromoted,
    VersionRolledBack,
    encode,
)
from ccit.fates import Fate
from ccit.lineage import Lineage
from ccit.records import Command, Outcome, Record, Round
from ccit.records import Position as Place
from consumers.commands import Verb
from consumers.dead_letters import letter_in
from consumers.kafka.messages import Message
from tests.nouns import version
from tests.property.actors import PARTITIONS, STORE, TOPICS, Said, Scorer, ToldJob, Trainer, event_of, follow
from tests.property.memory_kafka import Died, seams
from tests.property.memory_log import MemoryLog

SLOTS = st.integers(0, 1)
PARTS = st.integers(0, PARTITIONS - 1)
SOME = st.integers(1, 6)
SAID: st.SearchStrategy[Said] = st.sampled_from(
    ["promote", "promote", "promote", "hold", "not_enough_evidence", None, "broken"]
)
VERBS: st.SearchStrategy[Verb] = st.sampled_from(["rollback", "rollback", "hold", "resume", "resume", "round-now"])
Trouble = Literal["aborted", "dies"]
TROUBLES: st.SearchStrategy[Trouble] = st.sampled_from(["aborted", "dies"])
Deed = Outcome | Literal["roll back", "overtaken", "again"] | Trouble | None
DEEDS: st.SearchStrategy[Deed] = st.sampled_from(
    ["promote", "promote", "roll back", "overtaken", "again", "hold", "not_enough_evidence", None, "aborted", "dies"]
)
TEXTS = st.integers(0, 99)  # few enough that copies are frequent, so many that rounds fill


class AtLeastOnce(RuleBasedStateMachine):
    """Everything but what only transactions give."""

    exactly_once = False

    def __init__(self) -> None:
        super().__init__()
        self.log = MemoryLog(PARTITIONS)
        self.scorers: list[Scorer | None] = [self._scorer("0"), None]
        self.owner = dict.fromkeys(range(PARTITIONS), 0)  # partition -> slot
        self.seams = seams(self.log, ToldJob, exactly_once=self.exactly_once)
        self.trainers: list[Trainer | None] = [Trainer(self.log), None]
        self.followers = [Lineage(version()), Lineage(version())]
        self.followed = [0, 0]
        self.sent: list[Message] = []

    # -- records ------------------------------------------------------------------------------------------------------

    @initialize(texts=st.lists(TEXTS, min_size=16, max_size=40), past=st.lists(DEEDS, max_size=10))
    def a_past(self, texts: list[int], past: list[Deed]) -> None:
        """A history to begin with: records decided, rounds, rollbacks, records that come again."""
        self.burst_arrives(texts)
        for deed in past:
            if deed == "roll back":
                self.operator_rolls_back(0, None)
            elif deed == "again":
                self.record_comes_again(len(self.sent) // 2)
            elif deed == "overtaken":
                self.burst_arrives([(len(self.sent) + text) % 100 for text in range(12)])
                self.rollback_overtakes_a_round(0, "promote", restarted=len(self.sent) % 2 == 0)
            elif deed == "aborted" or deed == "dies":
                self.outcome_meets_trouble(0, "promote", deed)
            else:
                self.everyone_works(12, deed)

    @rule(count=SOME, said=SAID)
    def everyone_works(self, count: int, said: Said) -> None:
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
        self._end(slot)
        self.trainers[slot] = Trainer(self.log)

    @rule(slot=SLOTS, count=SOME)
    def trainer_turns(self, slot: int, count: int) -> None:
        """It gathers, obeys, plans or publishes."""
        self._turn(slot, count)

    @rule(slot=SLOTS, said=SAID)
    def round_ends(self, slot: int, said: Said) -> None:
        """Its outcome is there, and not published yet."""
        trainer = self.trainers[slot]
        if trainer is not None and trainer.job is not None:
            trainer.job.tell(said)

    @rule(slot=SLOTS, said=SAID)
    def trainer_makes_a_round(self, slot: int, said: Said) -> None:
        """Gather, plan, publish."""
        self._turn(slot, 100)
        self.round_ends(slot, said)
        self._turn(slot, 0)

    @rule(slot=SLOTS, trouble=TROUBLES)
    def commit_meets_trouble(self, slot: int, trouble: Trouble) -> None:
        """That of a plan, of an outcome, or of what was obeyed."""
        self._turn(slot, 100, trouble)

    @rule(slot=SLOTS, said=SAID, trouble=TROUBLES)
    def outcome_meets_trouble(self, slot: int, said: Said, trouble: Trouble) -> None:
        """Whoever died is started again."""
        self._turn(slot, 100)
        self.round_ends(slot, said)
        self._turn(slot, 0, trouble)
        if self.trainers[slot] is None:
            self.trainer_starts(slot)

    @rule(slot=SLOTS, said=SAID, restarted=st.booleans())
    def rollback_overtakes_a_round(self, slot: int, said: Said, restarted: bool) -> None:
        """The round was planned on the version that is left. It is cancelled, and not taken up by the next life."""
        for scorer in range(2):
            self.scorer_turns(scorer, 12)
        self._turn(slot, 100)
        self.operator_asks("rollback", None)
        self.round_ends(slot, said)
        self._turn(slot, 0)
        if restarted:
            self.trainer_starts(slot)
            self._turn(slot, 100)
        self.round_ends(slot, said)
        self._turn(slot, 0)

    @rule(slot=SLOTS, partition=PARTS)
    def trainer_loses_a_partition(self, slot: int, partition: int) -> None:
        trainer = self.trainers[slot]
        if trainer is not None:
            trainer.partition_goes(partition)

    @rule(slot=SLOTS, partition=PARTS, said=SAID)
    def trainer_loses_a_partition_of_its_round(self, slot: int, partition: int, said: Said) -> None:
        """The round waits until it is back."""
        self._turn(slot, 100)
        self.trainer_loses_a_partition(slot, partition)
        self._turn(slot, 100)
        self.trainer_has_it_again(slot, partition)
        self._turn(slot, 100)
        self.round_ends(slot, said)

    @rule(slot=SLOTS, partition=PARTS)
    def trainer_has_it_again(self, slot: int, partition: int) -> None:
        trainer = self.trainers[slot]
        if trainer is not None:
            trainer.partition_comes(partition)

    @rule(verb=VERBS, to=st.none() | st.integers(0, 4))
    def operator_asks(self, verb: Verb, to: int | None) -> None:
        """The trainer obeys in its next turn."""
        command = Command(verb, "ccit", f"c{len(self.log.all_of(TOPICS.commands.name))}", to)
        value, headers = encode(CommandIssued(command), at=0.0, source="test")
        self.log.append(TOPICS.commands.name, b"ccit", value, headers, 0)

    def operator_rolls_back(self, slot: int, to: int | None) -> None:
        self.operator_asks("rollback", to)
        self._turn(slot, 0)

    def _turn(self, slot: int, count: int, trouble: Trouble | Literal[""] = "") -> None:
        trainer = self.trainers[slot]
        if trainer is None:
            return
        try:
            trainer.turn(count, trouble)
        except (Fenced, Died):
            self._end(slot)

    def _end(self, slot: int) -> None:
        trainer, self.trainers[slot] = self.trainers[slot], None
        if trainer is not None:
            trainer.die()

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
        assert verify(map(event_of, messages), STORE).findings == []

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

    @rule(slot=SLOTS)
    def a_rebuilt_trainer_is_one_that_was_never_away(self, slot: int) -> None:
        """But for the older one of two, which has not heard yet that it is fenced."""
        live = self.trainers[slot]
        if live is None or not live.current:
            return
        rebuilt = Trainer(self.log, alone=False)
        rebuilt.gather_all()
        held = live.held()
        assert live.starts() == {p: start for p, start in rebuilt.starts().items() if p in held}
        assert live.replayable() == rebuilt.replayable()
        assert live.waiting() <= {place for place in rebuilt.waiting() if place.partition in held}
        assert live.rounds.log.since_promotion == rebuilt.rounds.log.since_promotion
        places = list(self.sample_places())
        assert [live.fate(place) for place in places] == [rebuilt.fate(place) for place in places]

    @rule()
    def no_sample_is_in_no_state_and_none_in_two(self) -> None:
        """Counted from what is on the topics: in a trainer's pool is what waits for its round or is in one."""
        looker = Trainer(self.log, alone=False)
        looker.gather_all()
        pooled, replayed = looker.waiting(), looker.replayable()
        used, trained = self.used_places(), self.trained_places()
        for place in self.sample_places():
            fate = looker.fate(place)
            assert (place in pooled) == (place not in used)
            assert (place in pooled) == (fate is Fate.IN_A_ROUND or (fate is Fate.WAITING and place not in replayed))
            assert (place in replayed) == (fate is Fate.TRAINED or (fate is Fate.WAITING and place not in pooled))
            assert (fate is Fate.TRAINED) == (place in trained)

    @invariant()
    def what_the_group_has_passed_is_what_rounds_have_used(self) -> None:
        """No sample is passed by: lost without a round. At least once, a trainer may die with its offsets behind."""
        used = self.used_places()
        for place in self.sample_places():
            passed = place.offset < self.log.committed("ccit.train", TOPICS.samples.name, place.partition)
            assert passed == (place in used) if self.exactly_once else (place in used or not passed)

    def used_places(self) -> set[Place]:
        """The samples in rounds with an outcome, by their ids."""
        events = [event_of(message) for message in self.log.read(TOPICS.rounds.name, 0)]
        judged = [self.planned()[event.round_id] for event in events if isinstance(event, CandidateJudged)]
        return self.places_of(sample_id for one in judged for sample_id in (*one.sample_ids, *one.validation_ids))

    def trained_places(self) -> set[Place]:
        """The samples of the rounds that led to the incumbent, by their ids; what those replayed among them."""
        lineage, planned, ids = Lineage(version()), self.planned(), list[str]()
        follow(lineage, self.log.read(TOPICS.model_versions.name, 0))
        number = lineage.incumbent.number
        while number:
            made = lineage.versions[number]
            one = planned[made.round_id]
            ids += (*one.sample_ids, *one.validation_ids, *one.parts["replay"])
            number = made.parent or 0
        return self.places_of(ids)

    def planned(self) -> dict[str, Round]:
        """Every manifest, by its id."""
        events = [event_of(message) for message in self.log.read(TOPICS.rounds.name, 0)]
        return {event.round_id: event.planned for event in events if isinstance(event, RoundPlanned)}

    def places_of(self, sample_ids: Iterable[str]) -> set[Place]:
        """Where samples are in the log."""
        wanted = {sample_id.encode() for sample_id in sample_ids}
        return {Place(m.partition, m.offset) for m in self.log.all_of(TOPICS.samples.name) if m.key in wanted}

    def teardown(self) -> None:
        """Whatever was drawn, the laws about latecomers are asked at the end."""
        try:
            for slot in range(2):
                self.every_follower_ends_with_the_same_incumbent(slot)
                self.a_rebuilt_scorer_is_one_that_was_never_away(slot, list(range(0, 100, 9)))
                self.a_rebuilt_trainer_is_one_that_was_never_away(slot)
            self.no_sample_is_in_no_state_and_none_in_two()
        finally:
            for slot in range(2):
                self._end(slot)
            self.seams.close()

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
