"""Drift as the samples topic tells it: detectors for each partition, in the order of its log.

The log is the only thing that every scorer sees, and sees again after a restart, so what was accepted is watched and
nothing else: of what was refused nobody hears again, and how much that is stands in the metrics by reason. A partition
holds an even share of the stream, because samples are spread by their id, so each is a small picture of the whole.

    observe    the next accepted sample of a partition, own ones too, as the log brings it
    marked     decisions made while a drift stands: those that are accepted and belong to it carry its cause
    snapshot   the state after what was observed; `restore` takes it back

A change is found early and explained a little later: it becomes a drift, with a cause, once 32 samples lie behind it. A
drift stands until `standing` more samples were read in its partition. The state is a function of the log alone:
scorers that have read alike have found alike, a rebalance changes nothing, a restart neither, and a rollback, which
undoes what was trained and not what came, leaves it as it is. The mark is what a scorer knew when it decided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ccit.drift.causes import MOST_TRAITS, Traits, belongs, cause_of, traits_of
from ccit.ports.drift import Accepted, Detector
from ccit.records import Cause, Decision, Drift, Position

DRIFT = "drift"
"""Annotation of an accepted sample that belongs to a drift: its cause. The trigger `drift` counts these."""

_EXPLAINED = 32  # samples behind a change that are looked at for its cause
_REMEMBERED = 8  # findings per partition
_FIRST: tuple[Cause, ...] = ("source", "form", "answers", "unclear", "new_knowledge")  # the most careful word counts


class _Change(BaseModel):
    """A change that waits for its cause."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    begun: int  # samples seen before it
    detector: str
    offset: int
    metric: str
    before: float
    after: float
    since: int


class _Known(BaseModel):
    """A partition: the next offset, samples seen, the states of its detectors, and what was found."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    next_offset: int = 0
    seen: int = 0
    detectors: dict[str, dict[str, Any]] = Field(default_factory=dict)
    traits: list[Traits] = Field(default_factory=list)
    waiting: list[_Change] = Field(default_factory=list)
    found: list[tuple[int, Drift]] = Field(default_factory=list)  # samples seen then, and what was found
    counts: dict[str, int] = Field(default_factory=dict)  # of all that was ever found, by detector, metric and cause


class DriftMonitor:
    """Asks the configured detectors about each partition.

    Parameters
    ----------
    make : Callable[[], Mapping[str, Detector]]
        New detectors, by kind; without any nothing is watched.
    standing : int
        Accepted samples of a partition for which a drift stands.
    seed : int
        Of the tests that tell causes apart.
    stamp : str
        Says which detectors with which settings; a state of another stamp is none of ours. Empty without detectors.

    Example
    -------
    >>> from ccit.drift.detectors.adwin import AdwinDetector
    >>> from ccit.ports.drift import DetectorContext
    >>> from ccit.records import Sample, Score
    >>> def make():
    ...     return {"adwin": AdwinDetector(AdwinDetector.Settings(baseline=20), DetectorContext(seed=0))}
    >>> monitor = DriftMonitor(make, standing=50, stamp="adwin")
    >>> def read(number, source, ifd):
    ...     sample = Sample(f"s{number}", "r", source, "en", "Dose?", "5 mg.")
    ...     decision = Decision(sample, True, "accepted", (Score("ifd", ifd, "v0"),))
    ...     monitor.observe(Position(0, number), Accepted(decision))
    ...     return decision
    >>> for number in range(150):
    ...     last = read(number, "ward" if number < 100 else "import", (0.7 if number < 100 else 0.9) + number % 2 / 50)
    >>> [(found.cause, found.mark, found.since) for found in monitor.found]
    [('source', 'import', 8)]
    >>> monitor.marked([last])[0].annotations
    {'drift': 'source'}
    """

    def __init__(
        self, make: Callable[[], Mapping[str, Detector]] = dict, standing: int = 0, seed: int = 0, stamp: str = ""
    ) -> None:
        self._make = make
        self._standing = standing
        self._seed = seed
        self.stamp = stamp
        self._known: dict[int, _Known] = {}
        self._detectors: dict[int, Mapping[str, Detector]] = {}

    @property
    def on(self) -> bool:
        """Whether anything is watched."""
        return bool(self.stamp)

    @property
    def found(self) -> tuple[Drift, ...]:
        """The last findings of each partition, by partition, the oldest first."""
        return tuple(drift for _, known in sorted(self._known.items()) for _, drift in known.found)

    @property
    def standing(self) -> tuple[Drift, ...]:
        """Those that stand."""
        return tuple(
            drift
            for _, known in sorted(self._known.items())
            for seen, drift in known.found
            if known.seen - seen < self._standing
        )

    @property
    def counts(self) -> Mapping[tuple[str, str, str], int]:
        """Detector, metric and cause -> how often that was found."""
        total: Counter[tuple[str, str, str]] = Counter()
        for known in self._known.values():
            for name, count in known.counts.items():
                detector, metric, cause = name.split("\t")
                total[detector, metric, cause] += count
        return total

    def observe(self, position: Position, accepted: Accepted) -> None:
        """Take in the next accepted sample of a partition; what was taken in before is passed over."""
        known = self._known.setdefault(position.partition, _Known())
        if not self.on or position.offset < known.next_offset:
            return
        if position.partition not in self._detectors:
            self._detectors[position.partition] = self._make()
        known.next_offset, known.seen = position.offset + 1, known.seen + 1
        known.traits = [*known.traits[-(MOST_TRAITS - 1) :], traits_of(accepted)]
        for kind, detector in self._detectors[position.partition].items():
            if (change := detector.observe(accepted)) is not None:
                begun = known.seen - change.since
                known.waiting.append(_Change(begun=begun, detector=kind, offset=position.offset, **asdict(change)))
        self._explain(position.partition, known)

    def marked(self, decisions: Sequence[Decision]) -> list[Decision]:
        """The same decisions; those that belong to a drift that stands say so."""
        standing = sorted(self.standing, key=lambda drift: _FIRST.index(drift.cause))
        return [_marked(decision, standing) for decision in decisions] if standing else list(decisions)

    def snapshot(self) -> Mapping[str, Any]:
        """What is known of each partition, as JSON."""
        return {
            str(partition): known.model_copy(update={"detectors": self._states(partition)}).model_dump(mode="json")
            for partition, known in sorted(self._known.items())
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `snapshot` gave, before anything is observed. Raises `ValueError`, and is as it was then."""
        if not all(partition.isdecimal() for partition in state):
            raise ValueError(f"expected numbers of partitions, found {sorted(state)}")
        try:
            known = {int(partition): _Known.model_validate(own) for partition, own in state.items()}
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"][:1]))
            raise ValueError(
                f"expected {where!r} of a partition as a snapshot of the drift monitor holds it"
            ) from error
        detectors = {partition: self._make() for partition in known}
        for partition, own in known.items():
            if own.detectors.keys() != detectors[partition].keys():
                raise ValueError(
                    f"expected the states of {sorted(detectors[partition])}, found {sorted(own.detectors)}"
                )
            for kind, detector in detectors[partition].items():
                detector.restore(own.detectors[kind])
        self._known, self._detectors = known, detectors

    def _explain(self, partition: int, known: _Known) -> None:
        """What has waited long enough becomes a drift."""
        due = [change for change in known.waiting if known.seen - change.begun >= _EXPLAINED]
        known.waiting = [change for change in known.waiting if change not in due]
        for change in due:
            behind = known.seen - change.begun
            named = cause_of(known.traits[:-behind], known.traits[-behind:], self._seed)
            said = change.model_dump(exclude={"begun"})
            drift = Drift(partition=partition, cause=named.cause, mark=named.mark, **said)
            known.found = [*known.found, (known.seen, drift)][-_REMEMBERED:]
            name = "\t".join((change.detector, change.metric, named.cause))
            known.counts = {**known.counts, name: known.counts.get(name, 0) + 1}  # a scrape may be reading the old one

    def _states(self, partition: int) -> dict[str, dict[str, Any]]:
        return {kind: dict(detector.snapshot()) for kind, detector in self._detectors.get(partition, {}).items()}


def _marked(decision: Decision, standing: Sequence[Drift]) -> Decision:
    own = next((d for d in standing if belongs(decision.sample, d.cause, d.mark)), None)
    if own is None or not decision.accepted:
        return decision
    return replace(decision, annotations={**decision.annotations, DRIFT: own.cause})
