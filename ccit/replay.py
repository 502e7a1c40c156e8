"""The loop over a list, without a broker: the same six calls as the consumers', in one process.

Same samples in the same batches, same parts and seed: same decisions, rounds and versions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ccit.drift.monitor import DriftMonitor
from ccit.evaluation.judging import Judging
from ccit.fates import Fates
from ccit.lineage import Lineage
from ccit.pipeline import Recipe, admit, due, judge, material_of, plan, promote, train
from ccit.pool import Pool
from ccit.ports.drift import Accepted
from ccit.ports.rounds import Past, Trigger
from ccit.ports.selection import ProxyScorer
from ccit.ports.training import Progress, Trainer
from ccit.records import (
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
)
from ccit.selection.admission import Admission
from ccit.selection.admitted import AdmittedSamples


@dataclass(frozen=True, slots=True)
class FinishedRound:
    """One finished round of a replay."""

    planned: Round
    candidate: Candidate
    verdict: Verdict
    announcement: Announcement | None
    evaluation: Spend
    material: Material


@dataclass(slots=True)
class Loop:
    """The parts that `replay` runs together; `ccit/assembly/replay.py` puts them together from a Config.

    What waits and what was trained on stays here, so that a stream may be replayed in several calls.
    """

    admission: Admission
    proxy: ProxyScorer
    trigger: Trigger
    trainer: Trainer
    judging: Judging
    recipe: Recipe
    admitted: AdmittedSamples  # of the admission
    fates: Fates
    lineage: Lineage
    scoring_spent: Callable[[], Spend] = Spend  # what proxy and embedder have cost so far
    drift: DriftMonitor = field(default_factory=DriftMonitor)
    history: list[Pooled] = field(default_factory=list)
    since_promotion: int = 0  # rounds judged since the last promotion
    pool: Pool = field(default_factory=Pool)
    start: dict[int, int] = field(default_factory=lambda: {0: 0})  # first offset that no finished round has used
    accepted: int = 0  # samples so far; the rank of the next, and so its offset


def replay(
    batches: Iterable[Sequence[Sample]], loop: Loop, progress: Progress, clock: Callable[[], float]
) -> Iterator[Decision | FinishedRound]:
    """Yield every Decision and every finished round, in order.

    The log has one partition; an accepted sample's offset is its rank. A round starts between two batches, and the
    proxy moves before the next.
    """
    for batch in batches:
        decisions = loop.drift.marked(admit(batch, loop.admission))
        positions = {}
        for decision in decisions:
            if decision.accepted:
                position = positions[decision.sample.sample_id] = Position(0, loop.accepted)
                loop.pool.add(Pooled(decision.sample, position, clock(), decision))
                loop.drift.observe(position, Accepted(decision, loop.admission.vectors(decision.sample.sample_id)))
                loop.accepted += 1
        loop.admission.commit(positions)
        loop.trigger.observe(decisions)
        yield from decisions
        while (why := due(loop.pool, loop.trigger, clock())) is not None:
            yield run_round(why, loop, progress, clock)


def run_round(why: Due, loop: Loop, progress: Progress, clock: Callable[[], float]) -> FinishedRound:
    """Plan, train, judge and promote one round; then the proxy moves, and the pool and the history with it."""
    pool, start = loop.pool, loop.start
    incumbent = loop.lineage.incumbent
    earlier = [pooled.sample for pooled in loop.history]
    planned = plan(pool, why, incumbent, loop.recipe, earlier, start, Past.of(loop.history, loop.fates.picks))
    loop.fates.planned(planned)
    used = pool.within(planned.ranges)
    material = material_of(planned, used, loop.recipe.sources, earlier)
    candidate = train(planned, material, incumbent, loop.trainer, progress)
    loop.since_promotion += 1
    baseline = loop.lineage.baseline(loop.judging.gate.baseline)
    verdict, spent = judge(candidate, incumbent, baseline, material, loop.judging, loop.since_promotion, progress)
    picked = {sample_id for part in planned.parts.values() for sample_id in part}
    replayed = [pooled.position for pooled in loop.history if pooled.sample.sample_id in picked]
    announcement = promote(candidate, verdict, planned, loop.lineage, material, clock(), replayed)
    pool.remove(used)
    start.update({r.partition: r.end for r in planned.ranges})
    if announcement is not None:
        loop.lineage.apply(announcement)
        loop.since_promotion = 0
        loop.proxy.activate(announcement.version)
    loop.fates.concluded(planned.round_id, verdict)
    loop.admitted.retain(loop.fates.known)
    loop.history += [pooled for pooled in used if loop.fates.replayable(pooled.position)]
    return FinishedRound(planned, candidate, verdict, announcement, spent, material)
