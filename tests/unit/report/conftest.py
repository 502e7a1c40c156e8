"""A plausible run, drawn from a seed: what the tests and the developer's eye look at."""

import random
from typing import Any, cast

import pytest

from ccit.records import Estimate, Outcome
from ccit.report.history import (
    AnnouncementRow,
    Bounds,
    DeadLetterRow,
    DecisionRow,
    History,
    RoundRow,
    ServingRow,
)

DAYS, SECONDS = 8, 150.0
PROMOTED = {1: 38.0, 2: 71.0, 3: 121.0}  # version -> seconds
HELD_AT, ROLLED_BACK_AT = 97.0, 138.0
WEIGHTS = {
    "clean": 26, "redundant": 26, "near_duplicate": 10, "exact_duplicate": 10, "wrong_answer": 14, "truncated": 4,
    "one_word": 4, "repetitive": 3, "garbage": 3,
}  # fmt: skip
REFUSAL = {
    "near_duplicate": "not_novel", "exact_duplicate": "exact_duplicate", "truncated": "too_short",
    "one_word": "too_short", "repetitive": "not_diverse",
}  # fmt: skip


def _active(at: float) -> int:
    return max([v for v, t in PROMOTED.items() if t <= at], default=0)


def _decision(seq: int, at: float, kind: str, rng: random.Random) -> DecisionRow:
    day = int(DAYS * seq / 2400)
    wave = min(3, max(0, round(day / 2 - 0.5 + rng.gauss(0, 0.5))))
    proxy = _active(at - 2)
    if kind in REFUSAL and rng.random() < 0.93:
        return DecisionRow(
            seq, at, day, kind, f"wave-{wave + 1}", False, REFUSAL[kind], length=20.0, proxy_version=proxy
        )
    if kind == "redundant" and rng.random() < 0.5:
        return DecisionRow(
            seq, at, day, kind, f"wave-{wave + 1}", False, "not_novel", novelty=0.05, proxy_version=proxy
        )
    wrong = kind == "wrong_answer"
    ifd = rng.gauss(0.95 + 0.11 * proxy, 0.09) if wrong else rng.gauss(0.78 - 0.06 * proxy, 0.1)
    reason = "ifd_too_high" if ifd > 1.0 else "ifd_too_low" if ifd < 0.5 else "accepted"
    return DecisionRow(seq, at, day, kind, f"wave-{wave + 1}", reason == "accepted", reason, ifd, 0.3, 0.6, 90.0, proxy)


def synthetic_history(seed: int = 7, records: int = 2400) -> History:
    """A run with three promoted versions, one held candidate and one rollback."""
    rng = random.Random(seed)
    decisions, dead = [], []
    for seq in range(records):
        at = 4 + 140 * (seq / records) ** 1.15
        kind = rng.choices(list(WEIGHTS), weights=list(WEIGHTS.values()))[0]
        if kind == "garbage":
            dead.append(
                DeadLetterRow(at, int(DAYS * seq / 2400), kind, rng.choice(["not_json", "wrong_schema", "empty"]))
            )
        else:
            decisions.append(_decision(seq, at, kind, rng))
    judged = [  # seconds, parent, outcome, why, gain, forgetting
        (38, 0, "promote", "better by 21 points", Estimate(21, 16, 26), Estimate(0.8, -0.9, 2.2)),
        (71, 1, "promote", "better by 17 points", Estimate(17, 12, 22), Estimate(1.6, 0.1, 3.1)),
        (HELD_AT, 2, "not_enough_evidence", "may be noise", Estimate(1.1, -3.0, 5.1), Estimate(2.4, 0.4, 4.8)),
        (121, 2, "promote", "better by 9 points", Estimate(9, 4, 14), Estimate(-0.3, -2, 1.4)),
    ]
    rounds = [
        RoundRow(f"{i:016x}", at, 15.5, "size", 160, cast(Outcome, outcome), why, parent, gain, lost)
        for i, (at, parent, outcome, why, gain, lost) in enumerate(judged)
    ]
    announcements = [AnnouncementRow(t, "promoted", v, v - 1, v) for v, t in PROMOTED.items()]
    announcements.append(AnnouncementRow(ROLLED_BACK_AT, "rolled_back", 2, 1, 4))
    serving = []
    for i in range(900):
        at = 10 + i * 0.155
        version = 2 if at > ROLLED_BACK_AT + 0.6 else _active(at - 0.7)
        busy = any(0 < at - t < 1.5 for t in [*PROMOTED.values(), ROLLED_BACK_AT])
        serving.append(ServingRow(at, version, True, rng.lognormvariate(-2.2, 0.25) * (1.9 if busy else 1.0)))
    return History(decisions, dead, rounds, announcements, serving, Bounds(0.5, 1.0, 5.0))


def synthetic_summary(run: History, seed: int = 7) -> dict[str, Any]:
    """The summary that belongs to the history, as DESIGN.md lists it."""
    accepted = sum(d.accepted for d in run.decisions)
    rejected: dict[str, int] = {}
    truth: dict[str, dict[str, int]] = {}
    for row in run.decisions:
        entry = truth.setdefault(row.kind, {"in": 0, "accepted": 0})
        entry["in"] += 1
        entry["accepted"] += row.accepted
        if not row.accepted:
            rejected[row.reason] = rejected.get(row.reason, 0) + 1
    truth["garbage"] = {"in": len(run.dead_letters), "accepted": 0}
    groups = (
        [0.24, 0.26, 0.25, 0.25],
        [0.86, 0.31, 0.24, 0.26],
        [0.78, 0.84, 0.35, 0.25],
        [0.69, 0.77, 0.88, 0.41],
    )
    versions = [
        {
            "number": n, "parent": n - 1 if n else None, "verdict": "promote" if n else "", "accuracy": sum(g) / 4,
            "accuracy_by_group": {f"wave-{i + 1}": v for i, v in enumerate(g)},
            "forgetting_pp": (None, 0.8, 1.6, -0.3)[n], "general_accuracy": (0.93, 0.922, 0.906, 0.909)[n],
        }
        for n, g in enumerate(groups)
    ]  # fmt: skip
    return {
        "seed": seed, "seconds": SECONDS,
        "records": {
            "in": len(run.decisions) + len(run.dead_letters), "decided": len(run.decisions), "accepted": accepted,
            "rejected": rejected, "dead_lettered": len(run.dead_letters),
        },
        "truth": truth, "rounds": len(run.rounds), "versions": versions, "held": 1, "active_version": 2,
        "proxy_version": 2,
        "serving": {"requests": len(run.serving), "failed": 0, "versions_seen": [0, 1, 2, 3]},
        "rollback": {"from": 3, "to": 2, "seconds": 0.62},
        "compute": {
            "scoring_tokens": 412_000, "training_tokens": 690_000, "evaluation_tokens": 230_000,
            "flops": 3.1e12, "accept_all_flops": 5.4e12, "saving": 1 - 3.1 / 5.4,
        },
    }  # fmt: skip


@pytest.fixture(scope="package")
def run() -> History:
    """The synthetic run's history."""
    return synthetic_history()


@pytest.fixture
def told(run: History) -> dict[str, Any]:
    """The synthetic run's summary."""
    return synthetic_summary(run)
