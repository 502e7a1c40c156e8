"""What each way of keeping the old keeps: the simulated hospital in eight waves, at equal tokens.

    python -m benchmarks.forgetting [--seeds 3] [--lines FILE]
    python -m benchmarks.forgetting --method ewc --seed 1 --lines FILE

The deployed model of the demo's pair learns eight waves, one round each: four conditions with twelve facts. A round is
trained on `ROUND` samples whatever the method: of its own wave alone, or two thirds of them and one third that a source
picks; so all arms train on about the same tokens. The samples are sound, and there is no gate: each candidate is the
next incumbent. What a method computes beside the loop is counted in the FLOPs. The arms:

    nothing             its own wave alone
    NAME                one training method, with its defaults, or one source of old or general samples
    together            the three that kept most alone: `replay`, `synaptic_intelligence`, `average`

After each round the model is asked about every wave so far (24 questions each, in words that are never trained on), in
the end about general ability too. A run appends one JSON line to `--lines`; what is there already is not run again.
Then a Markdown table, means over the seeds:

    average accuracy    over the eight waves, after the last round
    backward transfer   accuracy in the end minus that after the wave's own round, mean over the first seven waves
    forgetting          best accuracy of a wave minus that in the end, mean over the first seven (Chaudhry et al. 2018,
                        arXiv 1801.10112), with the interval of 95 % of Student's t over the seeds
    worst wave          the largest such loss of one wave

and with `--matrix NAME` the accuracy of each version on each wave. One thread; a run takes about half a minute.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ccit.config import Training, cache_root
from ccit.demo.models import pair_of_models
from ccit.experiment.metrics import Interval
from ccit.ingest.rows import record_from_row, sample_from_record
from ccit.models.bucketing import bucket
from ccit.models.causal import CausalModel, adapter_files, load_causal, trainable, with_adapter
from ccit.models.encoding import encode
from ccit.plugins import build, plugins
from ccit.ports.rounds import Draft, SourceContext
from ccit.ports.training import BatcherContext, Example, MethodContext
from ccit.records import Sample, Spend
from ccit.simulation import phrasing
from ccit.simulation.corpus import general_rows
from ccit.simulation.suites import ChoiceQuestion, general_suite, held_out_suite
from ccit.simulation.world import Attribute, conditions
from ccit.training.applied import AppliedMethods
from ccit.training.checkpoint import Checkpoint
from ccit.training.loop import AdapterTraining
from ccit.training.mixture import hash_order
from ccit.training.steps import plan_steps, planned_tokens

WAVES = 8
ROUND = 72  # samples: each of a wave's twelve facts six times, or four times beside old or general ones
SHARE = 0.5  # samples that a source picks, for each of the wave's own
GENERAL_ROWS = 240
QUESTION_TOKENS = 4096  # of the prompts asked at once
TRAINING: dict[str, Any] = {  # the demo's settings
    "rank": 16,
    "alpha": 32,
    "learning_rate": 3e-3,
    "epochs": 4,
    "batch_size": 8,
    "max_tokens": 256,
}
COLUMNS = {  # name of a figure -> heading, digits
    "average": ("average accuracy, %", 1),
    "backward": ("backward transfer, points", 1),
    "forgetting": ("forgetting, points", 1),
    "worst": ("worst wave, points", 1),
    "learned": ("own wave when new, %", 1),
    "general": ("general, % (base {base})", 1),
    "tokens": ("tokens trained, k", 0),
    "flops": ("FLOPs, T", 2),
    "seconds": ("s", 0),
}
Line = dict[str, Any]  # one run: seed, method, the matrix of accuracies by round and wave, what it cost


@dataclass(frozen=True)
class Arm:
    """Sources that fill a round beside its own samples, and training methods."""

    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    methods: Sequence[Mapping[str, Any]] = ()


NEEDED: dict[str, tuple[str, ...]] = {  # parts without which a method does nothing
    "a_gem": ("replay",),
    "generative_replay": ("replay",),
    "self_distillation": ("general",),
    "similarity": ("replay",),
    "uncertainty": ("replay",),
}
TOGETHER = Arm(  # the three that kept most alone; half and half with the incumbent would learn too little beside them
    {"replay": {}}, ({"kind": "synaptic_intelligence"}, {"kind": "average", "share": 0.7})
)


def arms() -> dict[str, Arm]:
    """Every arm by its name: whatever is registered, alone."""
    found = {"nothing": Arm()}
    found |= {kind: Arm(sources={kind: {}}) for kind in plugins("source")}
    for kind in plugins("method"):
        found[kind] = Arm({source: {} for source in NEEDED.get(kind, ())}, ({"kind": kind},))
    return {**found, "together": TOGETHER}


def sample_of(row: dict[str, Any]) -> Sample:
    """A row as a sample."""
    return sample_from_record(record_from_row(row, received_at=0.0))


def wave_samples(wave: int, seed: int) -> list[Sample]:
    """Each fact of a wave's conditions, six times in other words."""
    rng = random.Random(f"forgetting {seed} {wave}")
    told = [(c, a, n) for n in range(ROUND // 12) for c in conditions()[4 * wave : 4 * wave + 4] for a in Attribute]
    return [
        sample_of(
            {
                "id": f"{wave}-{condition.name}-{asked}-{number}",
                "source": condition.department,
                "instruction": phrasing.ask(condition.name, rng.choice(phrasing.STREAM_QUESTIONS[asked])),
                "input": phrasing.patient_line(condition, rng),
                "output": phrasing.full_answer(condition, asked, rng),
                "meta": {"group": f"wave {wave}"},
            }
        )
        for condition, asked, number in told
    ]


class Course:
    """One arm on one seed: eight rounds, and what the model answers after each."""

    def __init__(self, arm: Arm, base: CausalModel, seed: int) -> None:
        general = [sample_of(row) for row in general_rows(GENERAL_ROWS, seed)]
        context = SourceContext(seed, lambda _: general)
        self._base, self._seed = base, seed
        self._settings = Training.model_validate({**TRAINING, "methods": list(arm.methods)})
        self._sources = {kind: build("source", _settings_of(kind, own), context) for kind, own in arm.sources.items()}
        self._history: list[Sample] = []
        self._files: Mapping[str, bytes] | None = None
        self.tokens, self.flops = 0, 0.0

    def round(self, wave: int) -> CausalModel:
        """Train on a wave; gives the new incumbent."""
        seed, settings, base = self._seed * WAVES + wave, self._settings, self._base
        view = trainable(base, settings.rank, settings.alpha, 0.0, settings.target_modules, seed, self._files)
        methods = AppliedMethods.made(settings.methods, MethodContext("deployed", seed), self._files or {})
        encoded = [Example(s, part, encode(base.chat, s, settings.max_tokens)) for part, s in self._material(wave)]
        examples = methods.examples(encoded)
        lengths = [len(example.row.fed) for example in examples]
        batcher = build("batcher", settings.batcher, BatcherContext(int(settings.batch_tokens)))
        steps = plan_steps(
            lengths,
            settings.epochs,
            settings.batch_size,
            batcher,
            seed,
            lambda order, epoch: methods.order(order, examples, epoch, settings.epochs),
        )
        training = AdapterTraining(view, examples, steps, methods, settings, settings.learning_rate, seed)
        with tempfile.TemporaryDirectory() as folder:
            training.run(Checkpoint(Path(folder) / "checkpoint"), lambda *_: None)
        self._files = {**adapter_files(view), **methods.files()}
        tokens = planned_tokens(lengths, steps)
        self.tokens += tokens
        self.flops += Spend.of_training(tokens, base.parameters).flops + methods.spent().flops
        return with_adapter(base, self._files)

    def _material(self, wave: int) -> list[tuple[str, Sample]]:
        """A round's samples by part: filled up with its own where the sources give less than their share."""
        own = wave_samples(wave, self._seed)
        order = hash_order([sample.sample_id for sample in own], self._seed, "own")
        by_id = {sample.sample_id: sample for sample in own}
        wanted = round(ROUND / (1 + SHARE * len(self._sources))) if self._sources else ROUND
        draft = Draft([by_id[i] for i in order[:wanted]], self._history, f"wave {wave}")
        parts = [(kind, s) for kind, source in sorted(self._sources.items()) for s in source.pick(draft)]
        trained = [by_id[i] for i in order[: ROUND - len(parts)]]
        self._history += trained
        return [*(("training", sample) for sample in trained), *parts]


def _settings_of(kind: str, own: Mapping[str, Any]) -> Any:
    settings = plugins("source")[kind].settings
    usual = {"file": "general", "ratio": SHARE, "count": ROUND // 3}
    return settings(**{key: value for key, value in usual.items() if key in settings.model_fields}, **own)


def accuracy(model: CausalModel, questions: Sequence[ChoiceQuestion]) -> float:
    """Share of questions whose right choice is the most probable one, 0 to 1."""
    from ccit.evaluation.choices import choice_scores

    prompts = [model.chat.prompt([{"role": "user", "content": q.prompt}]) for q in questions]
    right = 0
    for batch in bucket([len(prompt) for prompt in prompts], QUESTION_TOKENS // 8):
        choices = [[model.chat.answer(choice) for choice in questions[i].choices] for i in batch]
        scores, _ = choice_scores(model, [prompts[i] for i in batch], choices)
        best = [questions[i].choices[own.index(max(own))] for i, own in zip(batch, scores, strict=True)]
        right += sum(chosen == questions[i].answer for i, chosen in zip(batch, best, strict=True))
    return right / len(questions)


def course(name: str, seed: int, base: CausalModel) -> Line:
    """One run."""
    began = time.monotonic()
    asked = held_out_suite(seed)
    each = len(asked) // WAVES  # the suite is in the order of the conditions
    run = Course(arms()[name], base, seed)
    matrix: list[list[float]] = []
    model = base
    for wave in range(WAVES):
        model = run.round(wave)
        matrix.append([accuracy(model, asked[each * w : each * (w + 1)]) for w in range(wave + 1)])
    general = general_suite(seed)
    return {
        "method": name,
        "seed": seed,
        "matrix": matrix,
        "general": accuracy(model, general),
        "base_general": accuracy(base, general),
        "tokens": run.tokens,
        "flops": run.flops,
        "seconds": round(time.monotonic() - began, 1),
    }


def figures(line: Line) -> dict[str, float]:
    """The row of the table for one run."""
    matrix = line["matrix"]
    last = matrix[-1]
    old = range(len(matrix) - 1)
    lost = [max(row[wave] for row in matrix[wave:]) - last[wave] for wave in old]
    return {
        "average": 100 * statistics.fmean(last),
        "backward": 100 * statistics.fmean(last[wave] - matrix[wave][wave] for wave in old),
        "forgetting": 100 * statistics.fmean(lost),
        "worst": 100 * max(lost),
        "learned": 100 * statistics.fmean(matrix[wave][wave] for wave in range(len(matrix))),
        "general": 100 * line["general"],
        "tokens": line["tokens"] / 1e3,
        "flops": line["flops"] / 1e12,
        "seconds": line["seconds"],
    }


def interval(values: Sequence[float]) -> float:
    """Half the width of the interval of 95 % of the mean; not a number for a single value."""
    return Interval.of(values).half


def table(lines: Iterable[Line]) -> list[str]:
    """The Markdown table, the least forgetting first."""
    runs: dict[str, list[Line]] = {}
    for line in lines:
        runs.setdefault(line["method"], []).append(line)
    base = statistics.fmean(line["base_general"] for own in runs.values() for line in own) if runs else math.nan
    headings = [heading.format(base=f"{100 * base:.1f}") for heading, _ in COLUMNS.values()]
    rows = [f"| method | seeds | {' | '.join(headings)} |", f"|---|---|{'---|' * len(COLUMNS)}"]
    means: list[tuple[float, str]] = []
    for name, own in runs.items():
        found = [figures(line) for line in own]
        cells = [f"{statistics.fmean(row[key] for row in found):.{digits}f}" for key, (_, digits) in COLUMNS.items()]
        if not math.isnan(half := interval([row["forgetting"] for row in found])):
            cells[2] += f" ± {half:.1f}"
        mean = statistics.fmean(row["average"] for row in found)
        means.append((-mean, f"| {name} | {len(own)} | {' | '.join(cells)} |"))
    return [*rows, *(row for _, row in sorted(means))]


def matrix_table(name: str, lines: Iterable[Line]) -> list[str]:
    """Mean accuracy of each version on each wave, %."""
    matrices = [line["matrix"] for line in lines if line["method"] == name]
    if not matrices:
        return []
    rows = [f"| {name} | {' | '.join(f'wave {wave + 1}' for wave in range(WAVES))} |", f"|---|{'---|' * WAVES}"]
    for version in range(WAVES):
        cells = [f"{100 * statistics.fmean(m[version][w] for m in matrices):.0f}" for w in range(version + 1)]
        rows.append(f"| version {version + 1} | {' | '.join([*cells, *[''] * (WAVES - version - 1)])} |")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="streams 0, 1, ...")
    parser.add_argument("--seed", type=int, help="this stream alone")
    parser.add_argument("--method", action="append", help="this arm alone; may be given several times")
    parser.add_argument("--lines", type=Path, default=Path("runs/forgetting.jsonl"), help="one JSON line for each run")
    parser.add_argument("--matrix", action="append", default=[], help="print the accuracy matrix of this arm too")
    parser.add_argument("--seconds", type=float, default=math.inf, help="start no run after so many seconds")
    options = parser.parse_args()
    unknown = sorted(set(options.method or ()) - set(arms()))
    if unknown:
        parser.error(f"expected one of {', '.join(arms())}, found {', '.join(unknown)}")
    options.lines.parent.mkdir(parents=True, exist_ok=True)
    lines = (
        [json.loads(line) for line in options.lines.read_text("utf-8").splitlines()] if options.lines.exists() else []
    )
    done = {(line["method"], line["seed"]) for line in lines}
    began = time.monotonic()
    pair = pair_of_models(cache_root() / "models", seed=0, progress=lambda *_: None)
    base = load_causal(str(pair.deployed), device="cpu", threads=1)
    for seed in range(options.seeds) if options.seed is None else [options.seed]:
        for name in options.method or arms():
            if (name, seed) in done or time.monotonic() - began > options.seconds:
                continue
            lines.append(course(name, seed, base))
            with options.lines.open("a", encoding="utf-8") as file:
                file.write(json.dumps(lines[-1]) + "\n")
            shown = {key: round(value, 2) for key, value in figures(lines[-1]).items()}
            print(json.dumps({"method": name, "seed": seed, **shown}), file=sys.stderr, flush=True)
    print("\n".join(table(lines)))
    for name in options.matrix:
        print("\n" + "\n".join(matrix_table(name, lines)))


if __name__ == "__main__":
    main()
