"""What holds of the whole system after any order of events: every law that at-least-once delivery keeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import orjson
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from ccit.audit import verify
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
from ccit.fates import Fate
from ccit.lineage import Lineage
from ccit.records import Position, Record, Round
from consumers.dead_letters import letter_in
from consumers.kafka.messages import KafkaMessage
from tests.nouns import version
from tests.property.actors import PARTITIONS, STORE, TOPICS, Trainer, event_of, follow
from tests.property.whole_system import SLOTS, TEXTS, WholeSystem


class LawfulSystem(WholeSystem):
    """The laws are looked at after each step, or as steps of their own where looking takes long."""

    def committed_records(self) -> list[KafkaMessage]:
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

    def letters(self) -> Counter[Position]:
        found = (letter_in(message) for message in self.log.all_of(TOPICS.dead_letters.name))
        return Counter(Position(letter.partition, letter.offset) for letter in found)

    @invariant()
    def nothing_is_lost(self) -> None:
        decided, letters = self.decided(), self.letters()
        for message in self.committed_records():
            name = name_of(message)
            assert decided[name] if name else letters[Position(message.partition, message.offset)]

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

    def used_places(self) -> set[Position]:
        """The samples in rounds with an outcome, by their ids."""
        events = [event_of(message) for message in self.log.read(TOPICS.rounds.name, 0)]
        judged = [self.planned()[event.round_id] for event in events if isinstance(event, CandidateJudged)]
        return self.places_of(sample_id for one in judged for sample_id in (*one.sample_ids, *one.validation_ids))

    def trained_places(self) -> set[Position]:
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

    def places_of(self, sample_ids: Iterable[str]) -> set[Position]:
        """Where samples are in the log."""
        wanted = {sample_id.encode() for sample_id in sample_ids}
        return {Position(m.partition, m.offset) for m in self.log.all_of(TOPICS.samples.name) if m.key in wanted}

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

    def sample_places(self) -> Iterable[Position]:
        return (Position(m.partition, m.offset) for m in self.log.all_of(TOPICS.samples.name))


def name_of(message: KafkaMessage) -> str:
    """The record's id; empty for poison."""
    try:
        return str(orjson.loads(message.value or b"")["record"]["record_id"])
    except (orjson.JSONDecodeError, KeyError):
        return ""


def probes(texts: Iterable[int]) -> list[KafkaMessage]:
    """Records that nobody has sent."""
    found = []
    for number, text in enumerate(texts):
        name = f"probe:{number}"
        body = {"lang": "en", "instruction": f"What is {text}?", "output": f"It is {text}."}
        value, headers = encode(RecordReceived(Record(name, name, "ward", 0.0, body)), at=0.0, source="test")
        found.append(KafkaMessage(TOPICS.records.name, 0, number, None, value, headers))
    return found
