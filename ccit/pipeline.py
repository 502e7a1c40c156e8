"""The spine: six calls that make a better model out of a stream, in the order in which they happen.

    admit    samples            -> decisions      cheapest check first, stops at the first refusal
    due      pool               -> why a round starts now, or nothing
    plan     pool, incumbent    -> Round          a frozen manifest: anyone can rebuild the round from it
    train    round              -> Candidate      an unpromoted pair of adapters: deployed model and proxy
    judge    candidate          -> Verdict        promote, hold, or not enough evidence, with the numbers
    promote  candidate, verdict -> Announcement   of an immutable Version, with a parent

The consumers run them between topics; `ccit/replay.py` runs them over a list: the golden test, every experiment.
Nothing here knows Kafka, torch, a disk or a clock: `now` and `seed` are arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ccit.evaluation.gate import Comparator, decide
from ccit.evaluation.judging import Judging
from ccit.evaluation.suites import questions_from_samples, suites_digest
from ccit.lineage import Lineage
from ccit.pool import Pool, joined
from ccit.ports.rounds import NO_PAST, Draft, Past, Planner, Source, Trigger
from ccit.ports.training import Progress, Trainer
from ccit.position_set import range_of, taken_of
from ccit.records import (
    DOMAIN,
    Announcement,
    Candidate,
    Decision,
    Due,
    Material,
    Pooled,
    Position,
    Round,
    Sample,
    Spend,
    Verdict,
    Version,
    digest_of,
)
from ccit.selection.admission import Admission
from ccit.training.choosing import choose
from ccit.training.mixture import split


@dataclass(frozen=True, slots=True)
class Recipe:
    """What every round of an alias is made of: its planner, a source for each further part, what the manifest says."""

    alias: str
    planner: Planner
    sources: Mapping[str, Source]
    validation_share: float
    base_model: str
    base_revision: str
    proxy_model: str
    proxy_revision: str
    config_digest: str
    code_digest: str
    seed: int


def admit(samples: Sequence[Sample], admission: Admission) -> list[Decision]:
    """Decide a batch: copies and checks as if one by one (up to rounding: see `Scorer`), then the policy, once.

    What is accepted stays pending until `admission.commit`.
    """
    return admission.decide(samples)


def due(pool: Pool, trigger: Trigger, now: float) -> Due | None:
    """Why a round starts now, or None; `now` in seconds since 1970."""
    return trigger.due(pool.waiting, now)


def plan(
    pool: Pool,
    why: Due,
    incumbent: Version,
    recipe: Recipe,
    history: Sequence[Sample],
    start: Mapping[int, int],
    past: Past = NO_PAST,
) -> Round:
    """Freeze the manifest of the next round.

    Parameters
    ----------
    history, past
        Samples of earlier rounds that may be replayed (`fates.Fates.replayable`), and what is known of them.
    start : Mapping[int, int]
        First offset of each partition that no finished round has used.

    Raises
    ------
    ConfigError
        The planner breaks its port.
    """
    chosen = choose(pool, recipe.planner, start)
    training, validation = split(list(chosen.samples), recipe.validation_share, recipe.seed)
    sample_digest = digest_of(sorted(sample.content_digest for sample in chosen.samples.values()))
    salt = digest_of([[[r.partition, r.start, r.end] for r in chosen.ranges], sample_digest])
    draft = Draft([chosen.samples[i] for i in training], history, salt, past)
    return Round(
        alias=recipe.alias,
        ranges=chosen.ranges,
        sample_ids=tuple(training),
        validation_ids=tuple(validation),
        sample_digest=sample_digest,
        parts={kind: tuple(s.sample_id for s in source.pick(draft)) for kind, source in sorted(recipe.sources.items())},
        parent=incumbent.number,
        base_model=recipe.base_model,
        base_revision=recipe.base_revision,
        proxy_model=recipe.proxy_model,
        proxy_revision=recipe.proxy_revision,
        config_digest=recipe.config_digest,
        code_digest=recipe.code_digest,
        seed=recipe.seed,
        due=why,
        left_out=chosen.left_out,
        planner=chosen.planner,
    )


def material_of(
    planned: Round, pooled: Iterable[Pooled], sources: Mapping[str, Source], history: Sequence[Sample]
) -> Material:
    """The texts behind a round's ids; an id whose text is gone is a `KeyError` (retention is shorter than the pool)."""
    own = {p.sample.sample_id: p.sample for p in pooled}
    return Material(
        training=tuple(own[i] for i in planned.sample_ids),
        validation=tuple(own[i] for i in planned.validation_ids),
        parts={kind: tuple(sources[kind].texts(ids, history)) if ids else () for kind, ids in planned.parts.items()},
    )


def train(planned: Round, material: Material, parent: Version, trainer: Trainer, progress: Progress) -> Candidate:
    """Make the round's two adapters, starting from the parent's."""
    return trainer.train(planned, material, parent, progress)


def judge(
    candidate: Candidate,
    incumbent: Version,
    baseline: Version,
    material: Material,
    judging: Judging,
    round_number: int,
    progress: Progress,
) -> tuple[Verdict, Spend]:
    """Let candidate, incumbent and baseline answer the same questions, and decide; also what that cost.

    Without a suite of the domain the round's validation part is asked instead; the baseline has no answers to that. The
    verdict names the questions by their digest.
    """
    given, held_out = judging.suites, material.validation
    asked = given if given.get(DOMAIN) else {**given, DOMAIN: questions_from_samples(held_out)}
    first = judging.evaluator.evaluate(baseline.adapters, given, (), progress)
    before = judging.evaluator.evaluate(incumbent.adapters, asked, held_out, progress)
    after = judging.evaluator.evaluate(candidate.adapters, asked, held_out, progress)
    known, origin = Comparator(incumbent.number, before), Comparator(baseline.number, first)
    verdict = replace(decide(after, known, origin, judging.gate, round_number), suite_digest=suites_digest(asked))
    return verdict, first.spend + before.spend + after.spend


def promote(
    candidate: Candidate,
    verdict: Verdict,
    planned: Round,
    lineage: Lineage,
    material: Material,
    at: float,
    replayed: Iterable[Position] = (),  # where the samples of earlier rounds lie that it was trained on
) -> Announcement | None:
    """Make the candidate a Version if the verdict says so; the caller publishes, then applies the announcement."""
    if verdict.outcome != "promote":
        return None
    version = Version(
        alias=planned.alias,
        number=lineage.next_number(),
        parent=planned.parent,
        round_id=planned.round_id,
        base_model=planned.base_model,
        base_revision=planned.base_revision,
        proxy_model=planned.proxy_model,
        proxy_revision=planned.proxy_revision,
        adapters=candidate.adapters,
        rank=candidate.rank,
        target_modules=candidate.target_modules,
        verdict=verdict,
        counts=material.counts,
        consumed=joined((*lineage.incumbent.consumed, *taken_of(planned), *map(range_of, replayed))),
        config_digest=planned.config_digest,
        code_digest=planned.code_digest,
        alpha=candidate.alpha,
    )
    return lineage.promote(version, at)
