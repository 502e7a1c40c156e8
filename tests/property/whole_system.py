"""What may happen to the whole system, as rules of a state machine: what is guaranteed is in `system_laws.py`."""

from __future__ import annotations

from typing import ClassVar, Literal

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from ccit.errors import Fenced
from ccit.events import (
    CommandIssued,
    RecordReceived,
    encode,
)
from ccit.lineage import Lineage
from ccit.records import Command, Outcome, Record
from consumers.commands import Verb
from consumers.kafka.messages import KafkaMessage
from tests.nouns import version
from tests.property.actors import PARTITIONS, TOPICS, Said, Scorer, ToldJob, Trainer, follow
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


class WholeSystem(RuleBasedStateMachine):
    """Records, scorers, trainers, an operator and followers, over logs in memory."""

    exactly_once: ClassVar[bool]

    def __init__(self) -> None:
        super().__init__()
        self.log = MemoryLog(PARTITIONS)
        self.scorers: list[Scorer | None] = [self._scorer("0"), None]
        self.owner = dict.fromkeys(range(PARTITIONS), 0)  # partition -> slot
        self.seams = seams(self.log, ToldJob, exactly_once=self.exactly_once)
        self.trainers: list[Trainer | None] = [Trainer(self.log), None]
        self.followers = [Lineage(version()), Lineage(version())]
        self.followed = [0, 0]
        self.sent: list[KafkaMessage] = []

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
        self.sent.append(KafkaMessage(place.topic, partition, place.offset, None, value, headers))

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
