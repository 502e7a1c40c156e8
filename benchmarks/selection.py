"""Which policy earns its cost: the same streams and the same number of tokens, chosen by each.

    python -m benchmarks.selection [--records 2400] [--seeds 3] [--budget 0.2] [--lines FILE]
    python -m benchmarks.selection --arm filter_lot --seed 1 --lines FILE
    python -m benchmarks.selection --untrained [--records 600]

Replays of the demo's stream with its models, settings and suites. `--budget` is the share of all characters of answers
that an arm lets in; every policy's share is set to meet it. What the checks let pass of a stream is measured first
(arm `checks`). The arms:

    random              a draw by lot, no check: what all others are compared with
    filter_lot          the checks, then a draw by lot
    filter_surprise     the checks, then in proportion to surprise
    oasis               the checks, then by surprise times novelty relative to all seen
    top_ifd             the checks, then the highest IFD of each stratum
    top_length          the checks, then the longest answers
    thresholds          all that the checks let pass: more tokens than the others
    accept_all          everything but copies: the most tokens

No gate stands in between: each candidate becomes the active version, so every token that was chosen counts and none is
lost to a verdict. Accuracy is on the suite of held-out questions, after the last round. FLOPs are everything spent:
scoring, training, evaluation. *Against random* is the mean over the seeds of the difference on the same stream, with
Student's 95 % interval over the seeds; it wants at least three.

`--untrained` only selects, with the proxy as it is without a version, and shows what each arm lets in by the kind that
the simulated hospital knows: minutes instead of hours. Each run appends one JSON line to `--lines`; what is there
already is not run again, so a run may be cut short and arms may be run one at a time.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.baselines import NAN, Line, cell, replayed, rounds_of, tokens_of
from ccit.demo.stage import set_stage, small_ingredients
from ccit.plugins import plugins
from ccit.simulation.stream import SimulatedMessage, hospital_stream

MEASURED = "checks"  # not an arm of the table: what it lets pass sets the others' shares
ARMS: Mapping[str, Mapping[str, Any]] = {
    "random": {"kind": "random"},
    "filter_lot": {"kind": "filter_lot"},
    "filter_surprise": {"kind": "filter_surprise"},
    "oasis": {"kind": "oasis"},
    "top_ifd": {"kind": "quantile"},
    "top_length": {"kind": "quantile", "metric": "length", "strata": [], "floor": 0},
    "thresholds": {"kind": "thresholds"},
    "accept_all": {"kind": "accept_all"},
}
_T_95 = (NAN, 12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)  # Student's t by degrees of freedom, two-sided
_NEVER = 1_000_000  # samples of a full round: none starts


def policy_table(arm: str, budget: float, passed: float) -> dict[str, Any]:
    """The table `[selection.policy]` of an arm.

    Parameters
    ----------
    budget : float
        Share of all characters that it may let in.
    passed : float
        Share of all characters that the checks let pass.
    """
    table = dict(ARMS["thresholds" if arm == MEASURED else arm])
    if table["kind"] not in ("thresholds", "accept_all"):
        share = budget if arm == "random" else min(1.0, budget / passed)
        table["share"] = share
        if table["kind"] not in ("random", "filter_lot"):
            table["reference_share"] = min(0.1, share / 2)
    return table


def run(arm: str, seed: int, records: int, policy: Mapping[str, Any], *, trained: bool) -> Line:
    """One arm on one stream, with a store of its own."""
    began = time.monotonic()
    overrides: dict[str, dict[str, Any]] = {
        "selection": {"policy": policy},
        "evaluation": {"criteria": dict.fromkeys(plugins("criterion"), False)},  # a gate without criteria promotes
        "rounds": {} if trained else {"size": _NEVER},
    }
    stream = list(hospital_stream(records, seed))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stage = set_stage(folder / "stage", seed, small_ingredients(lambda *_: None), overrides)
        lines = folder / "stream.jsonl"
        lines.write_bytes(b"".join(message.value.replace(b"\n", b" ") + b"\n" for message in stream))
        summary, accepted = replayed(lines, stage, {}, folder)
    return {
        "seed": seed,
        "arm": arm,
        "records": records,
        "trained": trained,
        "kinds": kinds_of(stream, set(accepted)),
        "characters": summary["arms"]["policy"]["characters"],
        "all_characters": sum(map(len, answers_of(stream).values())),
        "scoring_flops": summary["scoring_flops"],
        "rounds": rounds_of(summary),
        "seconds": round(time.monotonic() - began),
    }


def answers_of(stream: Iterable[SimulatedMessage]) -> dict[str, str]:
    """Record id -> answer of each readable message."""
    return {m.record_id: json.loads(m.value)["output"] for m in stream if m.record_id is not None}


def kinds_of(stream: Iterable[SimulatedMessage], accepted: set[str]) -> dict[str, list[int]]:
    """Kind -> what came and what of it was let in."""
    known = [m for m in stream if m.kind is not None and m.record_id is not None]
    came = Counter(m.kind.value for m in known if m.kind is not None)
    taken = Counter(m.kind.value for m in known if m.kind is not None and m.record_id in accepted)
    return {kind: [count, taken[kind]] for kind, count in came.items()}


def against(mine: Sequence[float], other: Sequence[float]) -> str:
    """Mean difference of pairs, with Student's 95 % interval.

    >>> against([0.9, 0.8, 0.85], [0.8, 0.75, 0.8])
    '+6.7 (-0.5 to +13.8)'
    """
    differences = [100 * (one - two) for one, two in zip(mine, other, strict=True)]
    if not differences:
        return "none"
    mean = statistics.fmean(differences)
    if not 2 <= len(differences) <= len(_T_95):
        return f"{mean:+.1f}"
    half = _T_95[len(differences) - 1] * statistics.stdev(differences) / math.sqrt(len(differences))
    return f"{mean:+.1f} ({mean - half:+.1f} to {mean + half:+.1f})"


def chosen_table(lines: Iterable[Line]) -> list[str]:
    """What each arm lets in, in percent of what came of its kind: mean over the seeds, smallest and largest."""
    found = list(lines)
    kinds = list(dict.fromkeys(kind for line in found for kind in line["kinds"]))
    rows = [f"| arm | characters, % | {' | '.join(kinds)} |", f"|---|---|{'---|' * len(kinds)}"]
    for arm in (MEASURED, *ARMS):
        own = [line for line in found if line["arm"] == arm]
        if own:
            shares = [cell([100 * line["characters"] / line["all_characters"] for line in own], 1)]
            shares += [cell([_share(line, kind) for line in own], 1) for kind in kinds]
            rows.append(f"| {arm} | {' | '.join(shares)} |")
    return rows


def accuracy_table(lines: Iterable[Line]) -> list[str]:
    """What each arm has learned, beside the lot on the same streams."""
    runs = {(line["seed"], line["arm"]): line for line in lines if line["rounds"]}
    heads = ("arm", "seeds", "tokens trained, M", "FLOPs, T", "accuracy, %", "general, %", "against random, points")
    rows = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for arm in ARMS:
        seeds = [seed for seed, own in sorted(runs) if own == arm]
        if seeds:
            own = [runs[seed, arm] for seed in seeds]
            paired = [seed for seed in seeds if (seed, "random") in runs]
            difference = against(
                [_last(runs[seed, arm], "accuracy") for seed in paired],
                [_last(runs[seed, "random"], "accuracy") for seed in paired],
            )
            cells = [
                str(len(seeds)),
                cell([tokens_of(line) / 1e6 for line in own], 2),
                cell([_flops(line) / 1e12 for line in own], 1),
                cell([100 * _last(line, "accuracy") for line in own], 1),
                cell([100 * _last(line, "general") for line in own], 1),
                "" if arm == "random" else difference,
            ]
            rows.append(f"| {arm} | {' | '.join(cells)} |")
    return rows


def _share(line: Line, kind: str) -> float:
    came, taken = line["kinds"].get(kind, (0, 0))
    return 100 * taken / came if came else NAN


def _flops(line: Line) -> float:
    rounds: list[dict[str, Any]] = line["rounds"]
    return float(line["scoring_flops"]) + sum(float(round_["flops"]) for round_ in rounds)


def _last(line: Line, figure: str) -> float:
    return float(line["rounds"][-1][figure])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=2400)
    parser.add_argument("--seeds", type=int, default=3, help="streams 0, 1, ...")
    parser.add_argument("--seed", type=int, help="this stream alone")
    parser.add_argument("--arm", choices=ARMS, help="this arm alone")
    parser.add_argument("--budget", type=float, default=0.2, help="share of all characters that an arm lets in")
    parser.add_argument("--untrained", action="store_true", help="only select")
    parser.add_argument("--lines", type=Path, default=Path("runs/selection.jsonl"), help="one JSON line for each run")
    options = parser.parse_args()
    shape = {"records": options.records, "budget": options.budget}
    text = options.lines.read_text("utf-8") if options.lines.exists() else ""
    earlier = [line for line in map(json.loads, text.splitlines()) if line.items() >= shape.items()]
    options.lines.parent.mkdir(parents=True, exist_ok=True)
    done: dict[tuple[int, str, bool], Line] = {(line["seed"], line["arm"], line["trained"]): line for line in earlier}

    def made(arm: str, seed: int, passed: float, *, trained: bool) -> Line:
        if (seed, arm, trained) not in done:
            policy = policy_table(arm, options.budget, passed)
            line = run(arm, seed, options.records, policy, trained=trained) | shape
            done[seed, arm, trained] = line
            with options.lines.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            print(json.dumps(line), file=sys.stderr, flush=True)
        return done[seed, arm, trained]

    for seed in range(options.seeds) if options.seed is None else [options.seed]:
        measured = made(MEASURED, seed, 1.0, trained=False)
        passed = measured["characters"] / measured["all_characters"]
        for arm in ARMS if options.arm is None else [options.arm]:
            made(arm, seed, passed, trained=not options.untrained)
    print("\n".join(chosen_table(line for line in done.values() if line["trained"] != options.untrained)))
    if not options.untrained:
        print("\n" + "\n".join(accuracy_table(line for line in done.values() if line["trained"])))


if __name__ == "__main__":
    main()
