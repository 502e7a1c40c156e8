"""Which commands are still to be answered, and what goes into the transactions that answer them; no broker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from ccit.events import CommandIssued, decode, encode
from ccit.records import Command
from consumers import commands as commands_module
from consumers.commands import CommandFollower, Verb
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.messages import GroupOffset, KafkaMessage, Output

TOPIC = "ccit.commands"


class Log:
    """The commands topic, in the place of a `Follower`."""

    def __init__(self, *verbs: Verb) -> None:
        self.messages: list[KafkaMessage] = []
        self._read = 0
        for number, verb in enumerate(verbs):
            self.issue(verb, f"c{number}")

    def issue(self, verb: Verb, command_id: str, alias: str = "ccit", at_s: float = 0.0) -> None:
        value, headers = encode(CommandIssued(Command(verb, alias, command_id)), at=at_s, source="test")
        self.messages.append(KafkaMessage(TOPIC, 0, len(self.messages), None, value, headers, int(at_s * 1000)))

    def append(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            self.messages.append(KafkaMessage(TOPIC, 0, len(self.messages), output.key, output.value, output.headers))

    def rewind(self) -> None:
        self._read = 0

    def to_end(self) -> Iterator[list[KafkaMessage]]:
        yield self.poll()

    def poll(self) -> list[KafkaMessage]:
        found = self.messages[self._read :]
        self._read = len(self.messages)
        return found


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def follower(log: Log, monkeypatch: pytest.MonkeyPatch) -> CommandFollower:
    monkeypatch.setattr(commands_module, "Follower", lambda *_: log)
    return CommandFollower(KafkaSettings("nowhere:1"), "ccit")


def restarted(log: Log, answered_to: int | None, now: float = 0.0) -> CommandFollower:
    """The next life of the same trainer."""
    log.rewind()
    found = CommandFollower(KafkaSettings("nowhere:1"), "ccit")
    found.catch_up(answered_to, now)
    return found


def at(offset: int) -> GroupOffset:
    return GroupOffset(TOPIC, 0, offset)


def ids(outputs: Sequence[Output]) -> list[str]:
    events = [decode(output.value, output.headers) for output in outputs]
    return [event.command.command_id for event in events if isinstance(event, CommandIssued)]


def test_the_first_stays_the_first_until_it_is_obeyed(log: Log, follower: CommandFollower) -> None:
    log.issue("hold", "a")
    log.issue("resume", "b")
    for _ in range(2):  # the transaction of the first was aborted
        command = follower.first()
        assert command is not None
        assert command.command_id == "a"
        assert follower.obeying(0.0) == ([], at(1))
        log.issue("hold", "later")
    follower.obeyed()
    assert follower.held
    command = follower.first()
    assert command is not None
    assert (command.command_id, follower.obeying(0.0)) == ("b", ([], at(2)))
    follower.obeyed()
    assert not follower.held


def test_a_round_now_is_not_passed_before_a_plan_answers_it(log: Log, follower: CommandFollower) -> None:
    log.issue("round-now", "a")
    assert follower.answering() == []
    assert follower.first() is None
    assert follower.round_now is not None
    assert follower.answering() == [at(1)]
    again = restarted(log, 0)  # it died before the plan
    assert again.first() is None
    assert again.round_now is not None
    again.answered()
    assert again.answering() == [at(1)]  # the offset goes along with later plans
    after = restarted(log, 1)
    assert (after.first(), after.round_now) == (None, None)


def test_a_round_now_gets_its_turn_before_what_follows(log: Log, follower: CommandFollower) -> None:
    log.issue("round-now", "a")
    log.issue("hold", "b")
    assert follower.first() is None
    follower.answered()  # planned in the same turn
    command = follower.first()
    assert command is not None
    assert (command.command_id, follower.obeying(0.0)) == ("b", ([], at(2)))


@pytest.mark.parametrize("dies", [False, True])
def test_a_waiting_round_now_is_written_again_behind_what_overtakes_it(
    log: Log, follower: CommandFollower, *, dies: bool
) -> None:
    log.issue("round-now", "a")
    log.issue("rollback", "b")
    assert follower.first() is None  # a round is at work: it waits
    command = follower.first()
    assert command is not None
    assert command.verb == "rollback"
    again, after = follower.obeying(0.0)
    assert (ids(again), after) == (["a"], at(2))
    log.append(again)  # the transaction counts
    if dies:
        follower = restarted(log, after.offset)
    else:
        follower.obeyed()
        assert follower.answering() == [at(2)]
    assert follower.first() is None
    assert follower.round_now is not None
    assert follower.round_now.command_id == "a"
    assert follower.answering() == [at(3)]


def test_an_aborted_overtaking_leaves_the_round_now_waiting(log: Log, follower: CommandFollower) -> None:
    log.issue("round-now", "a")
    log.issue("rollback", "b")
    assert follower.first() is None
    assert follower.first() is not None
    follower.obeying(0.0)  # aborted
    assert follower.round_now is not None
    assert follower.answering() == [at(1)]
    follower.answered()  # the round at work has ended, and a plan came first
    assert follower.obeying(0.0) == ([], at(2))


def test_several_that_wait_are_answered_by_one_plan(log: Log, follower: CommandFollower) -> None:
    log.issue("round-now", "a")
    log.issue("round-now", "b")
    assert [follower.first(), follower.first(), follower.first()] == [None, None, None]
    assert follower.answering() == [at(2)]


def test_a_later_life_knows_whether_training_is_held(log: Log, follower: CommandFollower) -> None:
    for verb, name in (("hold", "a"), ("round-now", "b"), ("resume", "c"), ("hold", "d")):
        log.issue(verb, name)  # type: ignore[arg-type]  # a verb each
    log.issue("resume", "theirs", alias="other")
    follower.catch_up(2, 0.0)
    assert follower.held  # c and d are still to be obeyed
    command = follower.first()
    assert command is not None
    assert command.command_id == "c"


HOUR_S = 3600.0


def test_what_is_older_than_a_day_is_not_obeyed_again_where_the_broker_forgot_the_offset(
    log: Log,
    follower: CommandFollower,  # it puts the log in the place of the topic
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A broker forgets it a week after the last commit: a rollback of a month ago must not come true once more."""
    caplog.set_level("WARNING", logger="ccit")
    log.issue("hold", "old", at_s=HOUR_S)
    log.issue("rollback", "older than a day", at_s=2 * HOUR_S)
    log.issue("resume", "young", at_s=3 * HOUR_S)
    again = restarted(log, None, now=26.5 * HOUR_S)
    assert again.held  # what was asked long ago still says so
    assert again.answering() == [at(2)]  # the next plan tells the broker again
    command = again.first()
    assert command is not None
    assert command.command_id == "young"
    again.obeying(0.0)
    again.obeyed()
    assert (again.held, again.first()) == (False, None)
    assert [record.getMessage().split()[1] for record in caplog.records] == ["hold", "rollback"]


def test_a_known_offset_is_believed_however_old_the_commands_are(log: Log, follower: CommandFollower) -> None:
    log.issue("hold", "answered")
    log.issue("rollback", "given while the trainer was away")
    again = restarted(log, 1, now=1000 * HOUR_S)
    command = again.first()
    assert command is not None
    assert (again.held, command.verb) == (True, "rollback")
