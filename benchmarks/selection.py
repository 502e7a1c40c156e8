"""Which policy earns its cost: the same streams, chosen from by each policy, at about 10, 33 and 100 % of the tokens.

    python -m benchmarks.selection [--plan benchmarks/selection.toml] [--out runs/selection] [--table]

An experiment (docs/experiments.md) with the plan beside this file; what is finished is kept, so a run may be cut short
and taken up. `--table` runs nothing. Two Markdown tables are printed of what is there:

    what each arm lets in, in percent of what came of its kind, which the simulated hospital knows
    what each arm has learned: accuracy over all waves in the end, and the difference from the lot at the same budget,
    seed by seed on the same stream, with Student's 95 % interval

No gate stands in between: each candidate becomes the active version, so every token that was chosen counts. An arm is
called by its policy and its budget, as `filter_lot_33`; the lot that it is compared with is `random_33`, and
`accept_all` for an arm without a budget. FLOPs are everything spent: scoring, training, mixing, evaluation.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ccit.console import Console
from ccit.experiment.cell import Line
from ccit.experiment.metrics import Interval, by_arm, over_seeds, paired
from ccit.experiment.plan import read_plan
from ccit.experiment.report import difference
from ccit.experiment.results import Results
from ccit.experiment.run import run_experiment

PLAN = Path(__file__).with_name("selection.toml")
EVERYTHING = "accept_all"
_KINDS = (
    "clean",
    "redundant",
    "near_duplicate",
    "exact_duplicate",
    "wrong_answer",
    "truncated",
    "one_word",
    "repetitive",
)


def lot_of(arm: str) -> str:
    """The arm that draws as many tokens by lot.

    >>> lot_of("filter_lot_33"), lot_of("thresholds")
    ('random_33', 'accept_all')
    """
    budget = re.search(r"_([0-9]+)$", arm)
    return f"random_{budget[1]}" if budget else EVERYTHING


def chosen_table(lines: Sequence[Line]) -> list[str]:
    """What each arm lets in, % of what came of its kind, all seeds together."""
    rows = [
        f"| arm | all | {' | '.join(kind.replace('_', ' ') for kind in _KINDS)} |",
        f"|---|---|{'---|' * len(_KINDS)}",
    ]
    for (arm, *_), own in by_arm(lines).items():
        kinds = [line["records"]["kinds"] for line in own]
        cells = [_share([counts.get(kind, (0, 0)) for counts in kinds]) for kind in _KINDS]
        every = _share([(line["records"]["decided"], line["records"]["accepted"]) for line in own])
        rows.append(f"| {arm} | {every} | {' | '.join(cells)} |")
    return rows


def _share(counts: Sequence[Sequence[int]]) -> str:
    came = sum(count for count, _ in counts)
    return f"{100 * sum(let_in for _, let_in in counts) / came:.0f}" if came else ""


def accuracy_table(lines: Sequence[Line]) -> list[str]:
    """What each arm has learned, beside the lot on the same streams."""
    heads = (
        *("arm", "seeds", "own tokens trained, k", "FLOPs, T", "accuracy, %", "forgetting, points", "general, %"),
        "against the lot, points",
    )
    rows = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    arms = {arm: own for (arm, *_), own in by_arm(lines).items()}
    for arm, own in arms.items():
        found, lot = over_seeds(own), lot_of(arm)
        known = lot in arms and lot != arm
        cells = [
            str(len(own)),
            _number(found["tokens"].times(1e-3), 0),
            _number(found["flops"].times(1e-12), 2),
            *(_number(found[key], 1) for key in ("average", "forgetting", "general")),
            difference(paired(own, arms[lot], "average")) if known else "",
        ]
        rows.append(f"| {arm} | {' | '.join(cells)} |")
    return rows


def _number(interval: Interval, digits: int) -> str:
    """A mean, with half of its interval where there is one.

    >>> _number(Interval(75.0, 70.0, 80.0), 1)
    '75.0 ± 5.0'
    """
    return f"{interval.mean:.{digits}f}" + ("" if math.isnan(interval.half) else f" ± {interval.half:.{digits}f}")


def tables(lines: Sequence[Line]) -> Mapping[str, list[str]]:
    """Both, by what they show."""
    return {"What is let in, %": chosen_table(lines), "What is learned": accuracy_table(lines)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--plan", type=Path, default=PLAN, help="another experiment with named points on its first axis"
    )
    parser.add_argument("--out", type=Path, default=Path("runs", "selection"), help="folder of the lines")
    parser.add_argument("--table", action="store_true", help="run nothing, print what is there")
    options = parser.parse_args()
    cells = read_plan(options.plan)
    if options.table:
        lines = Results(options.out, cells).lines
    else:
        with Console() as console:
            lines = run_experiment(cells, options.out, 1, console)
    for title, rows in tables(lines).items():
        print(f"\n{title}\n\n" + "\n".join(rows))


if __name__ == "__main__":
    main()
