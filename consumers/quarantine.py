"""What is in quarantine, on the topic `rejects`, and how a person releases it.

A check may quarantine what it refuses: its decision says so, with a cause. To release one, the refusal goes to the
topic `releases` as `sample-released.v1`. Scorers read that topic beside `records`, in the same transactions, and let
the sample in unless it is a copy, whatever checks and policy say. So what was released is admitted once, whoever dies
meanwhile, and a release that is sent twice is a copy the second time. `releases` is also what tells that a sample no
longer waits.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from ccit.errors import ConfigError, InputError
from ccit.events import SampleRejected, SampleReleased, decode, encode
from ccit.records import Decision, Position
from ccit.selection.admission import QUARANTINE, RELEASED
from consumers.content_type import require_json
from consumers.kafka.at_least_once import AtLeastOnce
from consumers.kafka.clients import KafkaSettings, group_consumer
from consumers.kafka.follower import Follower
from consumers.kafka.messages import KafkaMessage, Output
from consumers.kafka.topics import Topics

_BATCH = 100  # releases that are waited for together
_MARK = f'"{QUARANTINE}"'.encode()  # in every refusal that is in quarantine: most are not, and need not be parsed


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One refusal that a person may look at, without its text.

    Parameters
    ----------
    position : Position
        Where it lies on `rejects`.
    at_ms : int
        When it was refused, milliseconds since 1970; -1 where the broker kept no time.
    value : float | None
        Of the score that refused it.
    is_released : bool
        Whether somebody has released it.
    """

    sample_id: str
    position: Position
    at_ms: int
    cause: str
    reason: str
    value: float | None
    source: str
    lang: str
    is_released: bool = False


def quarantined(settings: KafkaSettings) -> tuple[Quarantined, ...]:
    """All that is or was in quarantine, in order of time; of a sample that was refused twice the last refusal.

    Raises `BrokerUnavailable`.
    """
    topics = Topics(settings.prefix)
    found: dict[str, Quarantined] = {}
    for message, decision in _refusals(settings):
        found[decision.sample.sample_id] = _without_text(message, decision)
    with Follower(settings, topics.releases) as follower:
        released = {key for batch in follower.to_end() for key in map(_released_id, batch)}
    marked = (replace(one, is_released=one.sample_id in released) for one in found.values())
    return tuple(sorted(marked, key=lambda one: (one.at_ms, one.sample_id)))


def whole(settings: KafkaSettings, wanted: Collection[Quarantined]) -> Iterator[tuple[Position, Decision]]:
    """These refusals with text and scores, and where they lie; one in memory at a time."""
    places = {one.position for one in wanted}
    first: dict[int, int] = {}
    for place in places:
        first[place.partition] = min(place.offset, first.get(place.partition, place.offset))
    for message, decision in _refusals(settings, first) if places else ():
        position = Position(message.partition, message.offset)
        if position in places:
            yield position, decision


def one_of(found: Collection[Quarantined], name: str) -> Quarantined:
    """The one whose sample id begins so.

    Raises
    ------
    ConfigError
        There is none, or more than one.
    """
    fitting = [one for one in found if name and one.sample_id.startswith(name)]
    if len(fitting) == 1:
        return fitting[0]
    what = f"{len(fitting)} samples whose ids begin so; give more of it" if fitting else "none"
    raise ConfigError(
        f"expected one sample in quarantine with the id {name[:40]!r}, found {what}; `ccit quarantine list` shows them"
    )


def release(
    settings: KafkaSettings,
    wanted: Collection[Quarantined],
    by: str,
    clock: Callable[[], float],
    on_sent: Callable[[int], None] = lambda _: None,
) -> int:
    """Let these in; how many were sent.

    Parameters
    ----------
    by : str
        Who says so; it stays in the decision.
    on_sent : Callable[[int], None]
        Told the running number. What it was told of is in the log; what is sent again does no harm.

    Raises
    ------
    BatchAborted, TransactionFailed, BrokerUnavailable
        The rest was not sent, or may not have been.
    """
    topic = Topics(settings.prefix).releases
    sent, batch = 0, list[Output]()
    protocol = AtLeastOnce(settings)
    consumer = group_consumer(settings, f"{settings.prefix}release")  # never joins: no offsets move here

    def write() -> None:
        nonlocal sent
        protocol.commit(batch, (), consumer)
        sent += len(batch)
        batch.clear()
        on_sent(sent)

    try:
        for position, decision in whole(settings, wanted):
            event = SampleReleased(decision, position, by)
            value, headers = encode(event, at=clock(), source="ccit/quarantine")
            batch.append(Output(topic.name, decision.sample.sample_id.encode(), value, headers, topic.partition))
            if len(batch) >= _BATCH:
                write()
        if batch:
            write()
    finally:
        consumer.close()
        protocol.close()
    return sent


def released_in(message: KafkaMessage) -> SampleReleased:
    """What a message of `releases` says.

    Raises
    ------
    InputError
        It is no release of something in quarantine.
    """
    require_json(message)
    event = decode(message.value, message.headers)
    if not isinstance(event, SampleReleased) or not is_quarantined(event.decision):
        raise InputError("wrong_schema", "expected the release of a refusal that is in quarantine, found another event")
    return event


def is_quarantined(decision: Decision) -> bool:
    """Whether a decision waits for a person. A released sample that was a copy is refused again, and does not."""
    return not decision.accepted and QUARANTINE in decision.annotations and RELEASED not in decision.annotations


def _released_id(message: KafkaMessage) -> str:
    """Of the sample that a message of `releases` lets in; empty where it is a dead letter's, and let nothing in."""
    try:
        return released_in(message).decision.sample.sample_id
    except InputError:
        return ""


def _refusals(
    settings: KafkaSettings, start: Mapping[int, int] | None = None
) -> Iterator[tuple[KafkaMessage, Decision]]:
    with Follower(settings, Topics(settings.prefix).rejects, start or {}) as follower:
        for message in (message for batch in follower.to_end() for message in batch):
            if message.value is not None and _MARK in message.value:
                decision = _refused_in(message)
                if decision is not None and is_quarantined(decision):
                    yield message, decision


def _refused_in(message: KafkaMessage) -> Decision | None:
    try:
        event = decode(message.value, message.headers)
    except InputError:
        return None
    return event.decision if isinstance(event, SampleRejected) else None


def _without_text(message: KafkaMessage, decision: Decision) -> Quarantined:
    return Quarantined(
        sample_id=decision.sample.sample_id,
        position=Position(message.partition, message.offset),
        at_ms=message.timestamp_ms,
        cause=decision.annotations[QUARANTINE],
        reason=decision.reason,
        value=decision.value(decision.owner),
        source=decision.sample.source,
        lang=decision.sample.lang,
    )
