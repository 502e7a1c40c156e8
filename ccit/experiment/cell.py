"""One cell of the grid: a loop over its stream, and what came of it as one line."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccit.assembly.replay import loop as assemble
from ccit.assembly.versions import code_digest
from ccit.demo.models import ModelFolders
from ccit.demo.stage import Ingredients, set_stage, small_ingredients
from ccit.errors import InputError, TrainingFailed
from ccit.evaluation.accuracy import accuracy, accuracy_by_group
from ccit.experiment.plan import Cell
from ccit.experiment.streams import Course, StreamMessage, course_of
from ccit.ingest.files import sample_from_line
from ccit.ports.training import Progress
from ccit.records import DOMAIN, GENERAL, Decision, Due, Material, Sample, Spend, SuiteResults
from ccit.replay import FinishedRound, replay, run_round

if TYPE_CHECKING:
    from ccit.config import Config
    from ccit.replay import Loop

Line = dict[str, Any]


def run_cell(cell: Cell, folder: Path, progress: Progress) -> Line:
    """Run the loop of one cell from its beginning, and give its line.

    The same cell gives the same line on one machine: the line holds no time, and `folder`, where models' answers and
    adapters would be found again, is emptied before and removed after.

    Raises
    ------
    ConfigError, ModelUnusable
        Parts that do not fit together, which only shows when they are loaded. A round that cannot be trained is no
        error of the experiment: the line says `failed`, and why.
    """
    shutil.rmtree(folder, ignore_errors=True)
    course = course_of(cell.stream, cell.seed)
    try:
        config = set_stage(folder, cell.seed, _ingredients(cell, course, progress), cell.tables).config
        run = _Run(cell, course, config, assemble(config), progress)
        failed = ""
        try:
            run.whole()
        except TrainingFailed as error:
            failed = str(error)
        return run.line(failed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ingredients(cell: Cell, course: Course, progress: Progress) -> Ingredients:
    models = cell.tables.get("models", {})
    if "deployed" in models and "proxy" in models:
        pair = ModelFolders(Path(models["deployed"]), Path(models["proxy"]))
    else:
        pair = small_ingredients(progress).pair
    return Ingredients(pair, profiles=(), questions=course.questions)


@dataclass
class _Tally:
    """What was counted on the way."""

    unreadable: int = 0
    decided: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    came: Counter[str] = field(default_factory=Counter)  # by kind of record, where it is known
    let_in: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    area: int = 0  # samples that wait after each decision, added up
    curve: list[list[int]] = field(default_factory=list)  # decided, waiting
    training: Spend = field(default_factory=Spend)
    mixing: Spend = field(default_factory=Spend)
    evaluation: Spend = field(default_factory=Spend)


class _Run:
    """The loop of one cell, period by period."""

    def __init__(self, cell: Cell, course: Course, config: Config, loop: Loop, progress: Progress) -> None:
        self._cell, self._course, self._config = cell, course, config
        self._loop = loop
        self._progress = progress
        self._now = 0.0
        self._tally = _Tally()
        self._kinds: dict[str, str] = {}
        self._rounds: list[Line] = []
        self._asked: list[SuiteResults] = []  # of the base, then of the version that is active when a period ends

    def whole(self) -> None:
        """Every period."""
        self._ask()
        for number, period in enumerate(self._course.periods):
            for happening in replay(self._batches(period.messages), self._loop, self._progress, self._clock):
                self._happened(happening, number)
            while self._cell.round_per_period and len(self._loop.pool) >= self._config.rounds.min_size:
                waiting = len(self._loop.pool)
                why = Due("period", f"{period.name} ends, {waiting} samples wait", {"pooled": float(waiting)})
                self._happened(run_round(why, self._loop, self._progress, self._clock), number)
            self._ask()

    def line(self, failed: str) -> Line:
        """What came of it."""
        tally, loop, names = self._tally, self._loop, [period.name for period in self._course.periods]
        spends = {
            "scoring": loop.scoring_spent(),
            "training": tally.training,
            "mixing": tally.mixing,
            "evaluation": tally.evaluation,
        }
        groups = [accuracy_by_group(results.of(DOMAIN)) for results in self._asked]
        return {
            "cell": self._cell.cell_id,
            "at": dict(self._cell.point),
            "code": code_digest()[:16],
            "failed": failed,
            "periods": names,
            "matrix": [[own.get(name) for name in names] for own in groups],
            "general": [accuracy(results.of(GENERAL)) for results in self._asked],
            "rounds": self._rounds,
            "records": {
                "in": tally.decided + tally.unreadable,
                "decided": tally.decided,
                "accepted": loop.accepted,
                "rejected": dict(sorted(tally.rejected.items())),
                "unreadable": tally.unreadable,
                "kinds": {kind: [tally.came[kind], tally.let_in[kind]] for kind in sorted(tally.came)},
            },
            "untrained": {"area": tally.area, "left": tally.waiting, "curve": tally.curve},
            "spend": {name: {"tokens": spend.tokens, "flops": spend.flops} for name, spend in spends.items()},
        }

    def _clock(self) -> float:
        return self._now

    def _batches(self, messages: Sequence[StreamMessage]) -> Iterator[Sequence[Sample]]:
        coming = iter(messages)
        while batch := list(islice(coming, self._config.kafka.batch_size)):
            samples = []
            for message in batch:
                try:
                    sample = sample_from_line(message.value, self._config.ingest.max_bytes, message.at)
                except InputError:
                    self._tally.unreadable += 1
                    continue
                samples.append(sample)
                if message.kind and message.record_id == sample.record_id:
                    self._kinds[sample.sample_id] = message.kind
            self._now = batch[-1].at
            yield samples

    def _happened(self, happening: Decision | FinishedRound, period: int) -> None:
        if isinstance(happening, Decision):
            self._decided(happening)
        else:
            self._trained(happening, period)

    def _decided(self, decision: Decision) -> None:
        tally, kind = self._tally, self._kinds.get(decision.sample.sample_id)
        tally.decided += 1
        if kind is not None:
            tally.came[kind] += 1
            tally.let_in[kind] += decision.accepted
        if not decision.accepted:
            tally.rejected[decision.reason] += 1
        tally.waiting += decision.accepted
        tally.area += tally.waiting
        if tally.decided % self._config.kafka.batch_size == 0:
            tally.curve.append([tally.decided, tally.waiting])

    def _trained(self, finished: FinishedRound, period: int) -> None:
        tally, spend, mixed = self._tally, finished.candidate.training, mixed_share(finished.material)
        tally.curve.append([tally.decided, tally.waiting])
        tally.waiting = len(self._loop.pool)
        tally.curve.append([tally.decided, tally.waiting])
        own = Spend(round(spend.tokens * (1 - mixed)), spend.flops * (1 - mixed))
        tally.training += own
        tally.mixing += Spend(spend.tokens - own.tokens, spend.flops - own.flops)
        tally.evaluation += finished.evaluation
        self._rounds.append(_round(finished, period))

    def _ask(self) -> None:
        """What the active version answers; its remembered answers cost nothing, and it was asked when it was judged."""
        judging, adapters = self._loop.judging, self._loop.lineage.incumbent.adapters
        results = judging.evaluator.evaluate(adapters, judging.suites, (), self._progress)
        self._tally.evaluation += results.spend
        self._asked.append(results)


def mixed_share(material: Material) -> float:
    """Share of what a round is trained on that its sources gave: replay, general, by characters of prompt and answer.

    >>> own, old = Sample("a", "a", "s", "en", "Why?", "So."), Sample("b", "b", "s", "en", "Who?", "We.")
    >>> mixed_share(Material((own,), (), {"replay": (old, old)}))
    0.6666666666666666
    """
    parts: Counter[bool] = Counter()
    for part, sample in material.learnable_by_part:
        parts[part != "training"] += sum(len(turn["content"]) for turn in sample.messages()) + len(sample.response)
    return parts[True] / max(1, parts.total())


def _round(finished: FinishedRound, period: int) -> Line:
    verdict, announcement = finished.verdict, finished.announcement
    by_group: Mapping[str, float] = verdict.accuracy_by_group
    return {
        "period": period,
        "due": finished.planned.due.trigger,
        "samples": len(finished.material.training) + len(finished.material.validation),
        "counts": finished.material.counts,
        "outcome": verdict.outcome,
        "version": announcement.version.number if announcement else None,
        "accuracy": verdict.accuracy,
        "accuracy_by_group": dict(by_group),
        "general_accuracy": verdict.general_accuracy,
        "tokens": finished.candidate.training.tokens,
    }
