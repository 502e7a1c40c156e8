"""The laws that no crash may break, each a number of breaches that has to be 0."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import asdict, dataclass, field
from itertools import pairwise

from ccit.audit import verify
from ccit.events import CandidateJudged, RoundPlanned, VersionPromoted, VersionRolledBack
from ccit.ports.store import ArtifactStore
from ccit.records import Round
from tests.crash.feed import key_of
from tests.crash.ledger import Ledger, plans_in_order


@dataclass(frozen=True, slots=True)
class Breaches:
    """How often each law was broken.

    Parameters
    ----------
    lost : int
        Messages on `raw` without a decision; a record that never reached `raw` counts as one.
    twice : int
        Decisions beyond the messages on `raw`. One message is usual. Some records are fed again under their id, and an
        idempotent producer whose broker is killed may write a message twice (librdkafka then takes a new epoch).
    ingested_twice : int
        Messages on `records` beyond those on `raw`.
    invented : int
        Decisions about records that nobody sent.
    admitted_twice : int
        Places on `samples` whose sample is at an earlier place already: the same record, admitted again.
    rounds_twice : int
        Samples in more than one round that has an outcome.
    rounds_lost : int
        Samples that the trainer's committed offsets have passed and that no round with an outcome used, or the other
        way round.
    outcomes_twice : int
        Rounds with more than one published outcome.
    failed_wrongly : int
        Rounds whose outcome is that they could not be trained, though that was not their fate, and the other way round:
        what a failed round used is set aside.
    plans_dropped : int
        Plans without an outcome that a crash, not a rollback, replaced by another.
    versions_forked : int
        Announcements that are not one line: a sequence or a version number used twice, or a gap.
    replayed_wrongly : int
        Replay picks of samples that no earlier round used, or only one that was held, failed, or led to a version that
        the plan's parent does not descend from (a rollback left it).
    misjudged : int
        Contents that were admitted although the thresholds refuse them, or never admitted although they do not. A
        scorer that came back has to decide as if it had never been away; and its policy admits nothing where its state
        and the index have parted (`tests/crash/mirror.py`).
    letters_altered : int
        Dead letters that do not carry the bytes that were sent.
    rollbacks_twice : int
        Rollbacks beyond the commands that asked for one (one that is refused makes none).
    commands_left : int
        Commands without an answer.
    audit : int
        Findings of `ccit verify`, which reads every artifact.
    """

    lost: int
    twice: int
    ingested_twice: int
    invented: int
    admitted_twice: int
    rounds_twice: int
    rounds_lost: int
    outcomes_twice: int
    failed_wrongly: int
    plans_dropped: int
    versions_forked: int
    replayed_wrongly: int
    misjudged: int
    letters_altered: int
    rollbacks_twice: int
    commands_left: int
    audit: int

    @property
    def total(self) -> int:
        """All of them."""
        return sum(asdict(self).values())

    def __str__(self) -> str:
        return " ".join(f"{name}={count}" for name, count in asdict(self).items())


@dataclass(slots=True)
class Sent:
    """What was asked of the system.

    Parameters
    ----------
    records : int
        How many were fed.
    raw, ingested : Counter
        How often each record id is on `raw` and on `records`.
    wanted : set of str
        Digests of the contents that the thresholds admit.
    rollbacks : int
        Commands to roll back, each counted once.
    fails : callable
        Whether a round, named by its id, is fated to be one that cannot be trained.
    """

    records: int = 0
    raw: Counter[str] = field(default_factory=Counter)
    ingested: Counter[str] = field(default_factory=Counter)
    wanted: Set[str] = frozenset()
    rollbacks: int = 0
    fails: Callable[[str], bool] = lambda _: False


def judged(
    ledger: Ledger, asked: Sent, used_up_to: Mapping[int, int], unanswered: int, artifacts: ArtifactStore
) -> Breaches:
    """Hold what the topics say against what was sent.

    Parameters
    ----------
    ledger : Ledger
        Caught up.
    used_up_to : Mapping
        The trainer group's committed offset per partition of the samples topic.
    unanswered : int
        Commands that the trainer group's committed offset has not passed.
    """
    sent = {key_of(number) for number in range(asked.records)}
    decided = Counter({record: count for record, count in ledger.decisions.items() if record in sent})
    used = ledger.used
    passed = {sample for place, sample in ledger.samples.items() if place.offset < used_up_to.get(place.partition, 0)}
    return Breaches(
        lost=((Counter(sent) | asked.raw) - ledger.decisions).total(),
        twice=(decided - asked.raw).total(),
        ingested_twice=(asked.ingested - asked.raw).total(),
        invented=len(ledger.decisions.keys() - sent),
        admitted_twice=len(ledger.samples) - len(set(ledger.samples.values())),
        rounds_twice=sum(count > 1 for count in used.values()),
        rounds_lost=len(passed ^ used.keys()),
        outcomes_twice=sum(count > 1 for count in ledger.outcomes.values()),
        failed_wrongly=sum((round_id in ledger.failed) != asked.fails(round_id) for round_id in ledger.outcomes),
        plans_dropped=_plans_dropped(ledger),
        versions_forked=_versions_forked(ledger),
        replayed_wrongly=_replayed_wrongly(ledger),
        misjudged=len(ledger.contents.keys() ^ asked.wanted),
        letters_altered=ledger.letters_altered,
        rollbacks_twice=max(0, ledger.rollbacks - asked.rollbacks),
        commands_left=unanswered,
        audit=len(verify(ledger.events, artifacts).findings),
    )


def _plans_dropped(ledger: Ledger) -> int:
    """A plan without an outcome may be the last, or be followed by one with another parent (after a rollback)."""
    return sum(
        one.round_id not in ledger.outcomes and one.parent == following.parent
        for one, following in pairwise(plans_in_order(ledger.planned))
    )


def _versions_forked(ledger: Ledger) -> int:
    """Sequences are 1, 2, 3, ..., each with one version; numbers are given out once; each names its predecessor."""
    announced = [e.announcement for e in ledger.events if isinstance(e, VersionPromoted | VersionRolledBack)]
    by_sequence = {(a.sequence, a.kind, a.version.number, a.expected_previous) for a in announced}
    line = sorted(by_sequence)
    forks = sum(sequence != place for place, (sequence, *_) in enumerate(line, 1))
    forks += sum(later[3] != earlier[2] for earlier, later in pairwise(line))
    promoted = [number for _, kind, number, _ in line if kind == "promoted"]
    return forks + sum(number != place for place, number in enumerate(promoted, 1))


def _replayed_wrongly(ledger: Ledger) -> int:
    """In the order of the rounds topic: a plan may pick from what had its outcome by then."""
    planned: dict[str, Round] = {}
    outcomes: dict[str, CandidateJudged] = {}
    parents: dict[int, int] = {}
    wrong = 0
    for event in ledger.events:
        if isinstance(event, RoundPlanned) and event.round_id not in planned:
            known = _replayable(event.planned, planned, outcomes, parents)
            wrong += sum(sample not in known for sample in event.planned.parts.get("replay", ()))
            planned[event.round_id] = event.planned
        elif isinstance(event, CandidateJudged) and event.round_id in planned:
            outcomes[event.round_id] = event
            if event.number is not None:
                parents[event.number] = planned[event.round_id].parent
    return wrong


def _replayable(
    one: Round, planned: Mapping[str, Round], outcomes: Mapping[str, CandidateJudged], parents: Mapping[int, int]
) -> set[str]:
    """The samples that a plan may replay."""
    line = set(_ancestors(one.parent, parents))
    return {
        sample
        for round_id, judged in outcomes.items()
        if judged.verdict is not None and judged.verdict.outcome != "hold"
        if judged.number is None or judged.number in line
        for sample in (*planned[round_id].sample_ids, *planned[round_id].validation_ids)
    }


def _ancestors(number: int, parents: Mapping[int, int]) -> Iterator[int]:
    """A version and all that it descends from, but for the base."""
    while number in parents:
        yield number
        number = parents[number]
