"""Small sound examples of the nouns, for tests that are about something else."""

from __future__ import annotations

from collections.abc import Sequence

from ccit.pipeline import Recipe
from ccit.ports.rounds import PlannerContext, SourceContext
from ccit.records import (
    AdapterPair,
    Artifact,
    Candidate,
    Decision,
    Due,
    Estimate,
    OffsetRange,
    Outcome,
    Pooled,
    Position,
    Round,
    Sample,
    Score,
    Spend,
    Verdict,
    Version,
)
from ccit.training.planners.oldest_first import OldestFirst
from ccit.training.sources.general import GeneralSource
from ccit.training.sources.replay import ReplaySource


def sample(number: int = 0, source: str = "ward", group: str = "") -> Sample:
    return Sample(
        sample_id=f"s{number}",
        record_id=f"{source}:{number}",
        source=source,
        lang="en",
        instruction=f"What is number {number}?",
        response=f"It is {number}. That is certain.",
        group=group,
    )


def pooled(number: int = 0, partition: int = 0, offset: int | None = None, at: float = 0.0) -> Pooled:
    return Pooled(sample(number), Position(partition, number if offset is None else offset), at)


def decision(number: int = 0, accepted: bool = True, reason: str = "accepted") -> Decision:
    return Decision(sample(number), accepted, reason, (Score("length", 31.0, "characters"),))


def pair(name: str = "a") -> AdapterPair:
    return AdapterPair(Artifact(f"store://{name}", {"x": name * 64}), Artifact(f"store://{name}p", {"x": name * 64}))


def candidate(round_id: str, name: str = "a") -> Candidate:
    return Candidate(round_id, pair(name), 4, ("q_proj",), {"train": 1.5}, Spend(100, 1e6), 2.0)


def verdict(outcome: Outcome = "promote") -> Verdict:
    return Verdict(
        outcome=outcome,
        why="Measured.",
        gain=Estimate(5.0, 2.0, 8.0),
        forgetting=Estimate(0.5, -1.0, 2.0),
        fault_rate=0.0,
        accuracy=0.6,
        accuracy_by_group={"heart": 0.6},
        general_accuracy=0.9,
        incumbent_accuracy=0.55,
        incumbent_accuracy_by_group={"heart": 0.55},
        incumbent_general_accuracy=0.905,
        validation_loss=1.25,
        incumbent_validation_loss=1.5,
        confidence=0.97,
    )


def version(number: int = 0, parent: int | None = None, consumed: Sequence[OffsetRange] = ()) -> Version:
    """Version 0 is the base model; the others have adapters and a verdict."""
    return Version(
        alias="ccit",
        number=number,
        parent=parent,
        round_id=f"round-{number}" if number else "",
        base_model="base",
        base_revision="",
        proxy_model="proxy",
        proxy_revision="",
        adapters=pair() if number else None,
        rank=4 if number else 0,
        target_modules=("q_proj",) if number else (),
        verdict=verdict() if number else None,
        counts={"training": 9} if number else {},
        consumed=tuple(consumed),
        config_digest="c",
        code_digest="d",
    )


def a_round(parent: int = 0, sample_ids: Sequence[str] = ("s0",), ranges: Sequence[OffsetRange] = ()) -> Round:
    """A manifest over these samples, all of them for training."""
    return Round(
        alias="ccit",
        ranges=tuple(ranges),
        sample_ids=tuple(sample_ids),
        validation_ids=(),
        sample_digest="",
        parts={},
        parent=parent,
        base_model="base",
        base_revision="",
        proxy_model="proxy",
        proxy_revision="",
        config_digest="c",
        code_digest="d",
        seed=0,
        due=Due("size", ""),
    )


def recipe_of(
    size: int = 10, replay: float = 0.0, general: Sequence[Sample] = (), share: float = 0.1, seed: int = 0
) -> Recipe:
    """Rounds of the oldest `size` samples, with `replay` earlier ones each, and one of `general` each if there are."""
    context = SourceContext(seed, lambda _: general)
    return Recipe(
        alias="ccit",
        planner=OldestFirst(OldestFirst.Settings(), PlannerContext(size, seed)),
        sources={
            "general": GeneralSource(GeneralSource.Settings(file="given"), context),
            "replay": ReplaySource(ReplaySource.Settings(ratio=replay), context),
        },
        validation_share=share,
        base_model="base",
        base_revision="",
        proxy_model="proxy",
        proxy_revision="",
        config_digest="c",
        code_digest="d",
        seed=seed,
    )
