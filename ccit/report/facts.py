"""A typed reading of `summary.json`: what is missing there is None here and "not measured" on the page, never 0."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from ccit.records import Concordance, Estimate


@dataclass(frozen=True, slots=True)
class VersionFact:
    """One version as the summary tells it. Accuracies are shares (0 to 1), forgetting is in percentage points."""

    number: int
    parent: int | None
    verdict: str
    accuracy: float | None
    accuracy_by_group: Mapping[str, float]
    general_accuracy: float | None
    forgetting_pp: float | None


@dataclass(frozen=True, slots=True)
class ComputeFact:
    """Tokens and estimated floating-point operations; `saving` is the share saved against accepting everything."""

    scoring_tokens: float | None
    training_tokens: float | None
    evaluation_tokens: float | None
    flops: float | None
    accept_all_flops: float | None
    saving: float | None


@dataclass(frozen=True, slots=True)
class DoorFact:
    """What became of messages at the hospital's door, counted step by step.

    `leaks`: place -> names and numbers of people found there; None where nobody looked.
    """

    messages: Mapping[str, float]  # by form
    answers: Mapping[str, float]  # by code of MLLP
    unreadable: Mapping[str, float]  # by reason
    documents: Mapping[str, float]  # by what became of them
    identifiers: Mapping[str, float]  # masked, by kind
    rows: Mapping[str, float]  # by what made them
    refused_rows: Mapping[str, float]  # by constraint
    on_clinical: float | None  # names, numbers, addresses that the same search finds where they belong
    places: float | None
    bytes_searched: float | None
    leaks: Mapping[str, float] | None

    @property
    def leaked(self) -> float | None:
        """Names and numbers found behind the door, all places together."""
        return None if self.leaks is None else sum(self.leaks.values())


@dataclass(frozen=True, slots=True)
class Facts:
    """The summary, field by field as DESIGN.md lists them."""

    seed: str
    seconds: float | None
    records_in: float | None
    decided: float | None
    accepted: float | None
    trained: float | None  # on samples, by versions that were promoted
    rejected: Mapping[str, float]
    dead_lettered: float | None
    truth: Mapping[str, tuple[float, float]]  # kind -> (in, accepted)
    by_lot: tuple[float, float] | None  # of the control arm: in, accepted; None without one
    proxy_audit: tuple[Concordance, ...]  # of proxy and deployed model, by version
    rounds: float | None
    held: float | None
    versions: tuple[VersionFact, ...]
    active_version: float | None
    proxy_version: float | None
    requests: float | None
    failed: float | None
    rollback_from: float | None
    rollback_to: float | None
    rollback_seconds: float | None
    compute: ComputeFact
    door: DoorFact | None  # None where rows came without it

    @property
    def promoted(self) -> int:
        """How many versions went out; the base model is none of them, nor is a candidate that was listed but held."""
        return sum(v.number > 0 and v.verdict not in ("hold", "held", "not_enough_evidence") for v in self.versions)


def finite(value: object) -> float | None:
    """Give the value as a float when it is a finite number, else None.

    >>> finite(3), finite(True), finite("3"), finite(float("nan"))
    (3.0, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def sound(estimate: Estimate | None) -> Estimate | None:
    """The estimate when all three of its numbers are finite, else None."""
    if estimate is None or None in (finite(estimate.points), finite(estimate.low), finite(estimate.high)):
        return None
    return estimate


def _mapping(value: object) -> Mapping[str, Any]:
    return {str(k): v for k, v in value.items()} if isinstance(value, Mapping) else {}


def _numbers(value: object) -> dict[str, float]:
    found = {k: finite(v) for k, v in _mapping(value).items()}
    return {k: v for k, v in found.items() if v is not None}


def _by_lot(arms: object) -> tuple[float, float] | None:
    """What came to the control arm, and what of it was let in."""
    counts = _numbers(_mapping(arms).get("control"))
    return (counts["in"], counts.get("accepted", 0.0)) if counts.get("in") else None


def _proxy_audit(entries: object) -> tuple[Concordance, ...]:
    """What the audit found; an entry that is not whole is left out."""
    names = [field.name for field in fields(Concordance)]
    found = [_numbers(entry) for entry in entries] if isinstance(entries, list | tuple) else []
    whole = [[own[name] for name in names] for own in found if own.keys() >= set(names)]
    return tuple(Concordance(int(version), int(pairs), *rest) for version, pairs, *rest in whole)


def _count(value: object) -> float | None:
    """A number, or how many things a list holds (`rounds` and `held` may be either)."""
    return float(len(value)) if isinstance(value, list | tuple) else finite(value)


def _whole(value: object) -> int | None:
    number = finite(value)
    return None if number is None else int(number)


def _version(entry: Mapping[str, Any]) -> VersionFact:
    verdict = entry.get("verdict")
    outcome = _mapping(verdict).get("outcome", "") if isinstance(verdict, Mapping) else verdict
    return VersionFact(
        number=_whole(entry.get("number")) or 0,
        parent=_whole(entry.get("parent")),
        verdict=str(outcome or ""),
        accuracy=finite(entry.get("accuracy")),
        accuracy_by_group=_numbers(entry.get("accuracy_by_group")),
        general_accuracy=finite(entry.get("general_accuracy")),
        forgetting_pp=finite(entry.get("forgetting_pp")),
    )


def _compute(entry: Mapping[str, Any]) -> ComputeFact:
    return ComputeFact(
        scoring_tokens=finite(entry.get("scoring_tokens")),
        training_tokens=finite(entry.get("training_tokens")),
        evaluation_tokens=finite(entry.get("evaluation_tokens")),
        flops=finite(entry.get("flops")),
        accept_all_flops=finite(entry.get("accept_all_flops")),
        saving=finite(entry.get("saving")),
    )


def _door(entry: Mapping[str, Any]) -> DoorFact | None:
    if not entry:
        return None
    counts = {
        name: _numbers(entry.get(name))
        for name in ("messages", "answers", "unreadable", "documents", "identifiers", "rows", "refused_rows")
    }
    leaks = _mapping(entry.get("leaks"))
    return DoorFact(
        **counts,
        on_clinical=finite(leaks.get("on_clinical")),
        places=finite(leaks.get("places")),
        bytes_searched=finite(leaks.get("bytes")),
        leaks=_numbers(leaks["found"]) if "found" in leaks else None,
    )


def read_summary(summary: Mapping[str, Any]) -> Facts:
    """Read the summary; every field may be missing.

    >>> read_summary({"versions": [{"number": 0, "accuracy": 0.25}]}).versions[0].accuracy
    0.25
    """
    records, serving, rollback = (_mapping(summary.get(k)) for k in ("records", "serving", "rollback"))
    truth = {k: _numbers(v) for k, v in _mapping(summary.get("truth")).items()}
    entries = summary.get("versions")
    versions = [_version(_mapping(e)) for e in entries] if isinstance(entries, list | tuple) else []
    return Facts(
        seed=str(summary.get("seed", "not stated")),
        seconds=finite(summary.get("seconds")),
        records_in=finite(records.get("in")),
        decided=finite(records.get("decided")),
        accepted=finite(records.get("accepted")),
        trained=finite(records.get("trained")),
        rejected=_numbers(records.get("rejected")),
        dead_lettered=finite(records.get("dead_lettered")),
        by_lot=_by_lot(summary.get("arms")),
        proxy_audit=_proxy_audit(summary.get("proxy_audit")),
        truth={k: (v.get("in", 0.0), v.get("accepted", 0.0)) for k, v in truth.items()},
        rounds=_count(summary.get("rounds")),
        held=_count(summary.get("held")),
        versions=tuple(sorted(versions, key=lambda v: v.number)),
        active_version=finite(summary.get("active_version")),
        proxy_version=finite(summary.get("proxy_version")),
        requests=finite(serving.get("requests")),
        failed=finite(serving.get("failed")),
        rollback_from=finite(rollback.get("from")),
        rollback_to=finite(rollback.get("to")),
        rollback_seconds=finite(rollback.get("seconds")),
        compute=_compute(_mapping(summary.get("compute"))),
        door=_door(_mapping(summary.get("door"))),
    )
