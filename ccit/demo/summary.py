"""`summary.json`: what happened, as numbers. Figures that come out badly are written down as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ccit.demo.account import CostAccount
from ccit.demo.watch import JudgedRound, Watch
from ccit.records import Spend, Verdict
from ccit.report.history import ServingRow
from ccit.simulation.stream import SimulatedMessage


@dataclass(frozen=True, slots=True)
class Rollback:
    """One rollback and how long it took until server and scorer both answered with the older version."""

    origin: int
    to: int
    seconds: float


def summarise(
    watch: Watch,
    stream: Sequence[SimulatedMessage],
    serving: Sequence[ServingRow],
    rollback: Rollback | None,
    scoring: Spend,
    seed: int,
    seconds: float,
) -> dict[str, Any]:
    """The fields of DESIGN.md's `summary.json`; shares are 0 to 1, `_pp` are percentage points, times are seconds."""
    decided = watch.decisions
    refused = Counter(row.reason for row in decided if not row.accepted)
    active = watch.announcements[-1][0].version.number if watch.announcements else 0
    return {
        "seed": seed,
        "records": {
            "in": watch.came,
            "decided": len(decided),
            "accepted": sum(row.accepted for row in decided),
            "trained": sum(len(r.planned.sample_ids) for r in watch.rounds if r.row.outcome == "promote"),
            "rejected": dict(refused.most_common()),
            "dead_lettered": len(watch.dead_letters),
            "dead_letters": dict(Counter(row.reason for row in watch.dead_letters)),
            "decided_again": sum(count - 1 for count in watch.seen_records.values()),
        },
        "quarantined": dict(watch.quarantined.most_common()),
        "truth": _truth(watch, stream),
        "arms": _arms(watch),
        "proxy_audit": [asdict(found) for found in watch.audit.found],
        "rounds": len(watch.rounds),
        "versions": _versions(watch),
        "held": sum(r.row.outcome != "promote" for r in watch.rounds),
        "active_version": active,
        "proxy_version": next((r.version for r in watch.replicas.values() if r.role == "score"), 0),
        "serving": {
            "requests": len(serving),
            "failed": sum(not row.ok for row in serving),
            "versions_seen": sorted({row.version for row in serving if row.version is not None}),
        },
        "rollback": None
        if rollback is None
        else {"from": rollback.origin, "to": rollback.to, "seconds": round(rollback.seconds, 3)},
        "compute": _account(watch, scoring).figures(),
        "seconds": round(seconds, 1),
    }


def _truth(watch: Watch, stream: Sequence[SimulatedMessage]) -> dict[str, dict[str, int]]:
    """Of each kind; a copy that came before its original stands in for it, so `beside_original` counts both let in."""
    accepted = Counter(row.kind for row in watch.decisions if row.accepted)
    refused = Counter(row.kind for row in watch.dead_letters)
    arrived = Counter(message.kind.value for message in stream if message.kind is not None)
    twice = Counter(
        message.kind.value
        for message in stream
        if message.kind is not None and {message.record_id, message.repeats} <= watch.accepted
    )
    return {
        kind: {"in": n, "accepted": accepted[kind], "beside_original": twice[kind], "dead_lettered": refused[kind]}
        for kind, n in arrived.items()
    }


def _arms(watch: Watch) -> dict[str, dict[str, int]]:
    """What came to each arm, and what of it was let in."""
    came, accepted = (
        Counter(row.arm for row in watch.decisions),
        Counter(row.arm for row in watch.decisions if row.accepted),
    )
    return {arm: {"in": count, "accepted": accepted[arm]} for arm, count in came.items()}


def _versions(watch: Watch) -> list[dict[str, Any]]:
    verdicts = [r.judged.verdict for r in watch.rounds if r.judged.verdict is not None]
    base = verdicts[0] if verdicts else None
    versions: list[dict[str, Any]] = [
        {
            "number": 0,
            "parent": None,
            "verdict": None,
            "accuracy": base.incumbent_accuracy if base else None,
            "accuracy_by_group": dict(base.incumbent_accuracy_by_group) if base else {},
            "general_accuracy": base.incumbent_general_accuracy if base else None,
            "forgetting_pp": 0.0,
        }
    ]
    for round_ in watch.rounds:
        number, verdict = round_.judged.number, round_.judged.verdict
        if number is not None and verdict is not None:
            versions.append(_version(number, round_, verdict, base))
    return versions


def _version(number: int, round_: JudgedRound, verdict: Verdict, base: Verdict | None) -> dict[str, Any]:
    start = base.incumbent_general_accuracy if base else 0.0
    return {
        "number": number,
        "parent": round_.planned.parent,
        "verdict": verdict.outcome,
        "why": verdict.why,
        "accuracy": verdict.accuracy,
        "accuracy_by_group": dict(verdict.accuracy_by_group),
        "general_accuracy": verdict.general_accuracy,
        # general ability lost since the base model, all rounds together; the gate bounds each round's share
        "forgetting_pp": round(100 * (start - verdict.general_accuracy), 2),
        "gain_pp": [verdict.gain.points, verdict.gain.low, verdict.gain.high],
    }


def _account(watch: Watch, scoring: Spend) -> CostAccount:
    trained = [r for r in watch.rounds if r.candidate is not None]
    return CostAccount(
        scoring=scoring,
        training=total(r.candidate.training for r in trained if r.candidate is not None),
        evaluation=total(Spend(r.judged.evaluation_tokens, r.judged.evaluation_flops) for r in watch.rounds),
        distinct=len(watch.contents),
        accepted=sum(row.accepted for row in watch.decisions),
        used=sum(r.row.size for r in trained),
    )


def total(spends: Iterable[Spend]) -> Spend:
    """The sum."""
    return sum(spends, Spend())
