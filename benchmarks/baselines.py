"""What selection buys: the demo's stream under the paper's thresholds, drawn by lot at equal tokens, and all of it.

    python -m benchmarks.baselines [--records 2400] [--seeds 3] [--lines FILE]
    python -m benchmarks.baselines --arm accept_all --seed 1 --lines FILE

Replays of the same streams with the same models, settings and suites. Four arms:

    thresholds          the paper's selection
    random              a draw by lot, in the share of tokens (as characters of the answers) that the thresholds let in
    accept_all          everything but exact copies
    ungated             the same without a gate: each candidate becomes the active version, so all its training is kept

Each seed is a stream and suites of its own. Each run appends one JSON line to `--lines`; what is there already is not
run again, so a run may be cut short and arms may be run one at a time (`random` needs the thresholds' line). In the end
a Markdown table of the means is printed, with the smallest and the largest value over the seeds.

Accuracy is that of the *active* version, after the last round; *at equal tokens*, after the round by which the arm had
trained on about as many tokens as the thresholds in all. The stream brings new subjects to its end, so an arm that has
seen less of it by then knows fewer of them. *FLOPs* are everything spent: scoring, training, evaluation. On two cores
of the machine in RESULTS.md, shared with seven others, the thresholds took 3.6 minutes and everything 8.1: about 25
minutes a seed for all four arms. `make bench` leaves it out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from ccit.demo.run import MANY
from ccit.demo.stage import Stage, set_stage, small_ingredients
from ccit.plugins import plugins
from ccit.simulation.stream import hospital_stream

ARMS = ("thresholds", "random", "accept_all", "ungated")
COLUMNS = {  # name of a figure -> heading, digits
    "let_in": ("let in", 0),
    "tokens": ("tokens trained, M", 2),
    "flops": ("FLOPs, T", 1),
    "rounds": ("rounds", 1),
    "promoted": ("promoted", 1),
    "accuracy": ("accuracy, %", 1),
    "general": ("general, %", 1),
    "at_equal_tokens": ("at equal tokens, %", 1),
}
NAN = float("nan")
Line = dict[str, Any]  # one run: seed, arm, what was let in, and the rounds as `rounds_of` gives them


def settings_of(arm: str, share: float) -> dict[str, str]:
    """The variables of the environment that make an arm; `share` is what `random` draws."""
    kind = "accept_all" if arm == "ungated" else arm
    found = {"CCIT_SELECTION__POLICY__KIND": kind}
    if arm == "random":
        found["CCIT_SELECTION__POLICY__SHARE"] = str(share)
    if arm == "ungated":  # a gate without criteria promotes
        found |= {f"CCIT_EVALUATION__CRITERIA__{criterion.upper()}": "false" for criterion in plugins("criterion")}
    return found


def rounds_of(summary: Mapping[str, Any]) -> list[Line]:
    """Of each round: tokens, FLOPs, and how good the version was that was active after it."""
    found = []
    for line in summary["rounds"]:
        prefix = "" if line["outcome"] == "promote" else "incumbent_"
        found.append(
            {
                "outcome": line["outcome"],
                "tokens": line["training_tokens"],
                "flops": line["training_flops"] + line["evaluation_flops"],
                "accuracy": line[f"{prefix}accuracy"],
                "general": line[f"{prefix}general_accuracy"],
            }
        )
    return found


def figures(line: Line, tokens: int) -> dict[str, float]:
    """The row of the table for one run.

    Parameters
    ----------
    tokens : int
        What the thresholds trained on in all, on the same stream.
    """
    rounds = line["rounds"]
    so_far = list(accumulate(round_["tokens"] for round_ in rounds))
    nearest = min(range(len(rounds)), key=lambda n: abs(so_far[n] - tokens), default=None)
    last = rounds[-1] if rounds else {"accuracy": NAN, "general": NAN}
    return {
        "let_in": len(line["accepted"]),
        "tokens": tokens_of(line) / 1e6,
        "flops": (line["scoring_flops"] + sum(round_["flops"] for round_ in rounds)) / 1e12,
        "rounds": len(rounds),
        "promoted": sum(round_["outcome"] == "promote" for round_ in rounds),
        "accuracy": 100 * last["accuracy"],
        "general": 100 * last["general"],
        "at_equal_tokens": NAN if nearest is None else 100 * rounds[nearest]["accuracy"],
    }


def tokens_of(line: Line) -> int:
    """Trained on in all rounds by both models, padding included."""
    return sum(round_["tokens"] for round_ in line["rounds"])


def table(lines: Iterable[Line]) -> list[str]:
    """The Markdown table over all seeds of which the thresholds' run is there."""
    runs = {(line["seed"], line["arm"]): line for line in lines}
    budgets = {seed: tokens_of(line) for (seed, arm), line in runs.items() if arm == "thresholds"}
    rows = [
        f"| arm | {' | '.join(heading for heading, _ in COLUMNS.values())} |",
        f"|---|{'---|' * len(COLUMNS)}",
    ]
    for arm in ARMS:
        found = [figures(runs[seed, arm], tokens) for seed, tokens in budgets.items() if (seed, arm) in runs]
        if found:
            cells = [cell([row[name] for row in found], digits) for name, (_, digits) in COLUMNS.items()]
            rows.append(f"| {arm} | {' | '.join(cells)} |")
    return rows


def cell(values: Sequence[float], digits: int) -> str:
    """Mean, and from where to where."""
    known = [value for value in values if value == value]
    if not known:
        return "none"
    least, most = f"{min(known):,.{digits}f}", f"{max(known):,.{digits}f}"
    return f"{statistics.fmean(known):,.{digits}f}" + (f" ({least} to {most})" if least != most else "")


def characters(stream: Path) -> dict[str, int]:
    """Record id -> length of its answer; what cannot be read has none."""
    found = {}
    for line in stream.read_bytes().splitlines():
        try:
            row = json.loads(line)
            found[f"{row['source']}:{row['id']}"] = len(row["output"])
        except (ValueError, KeyError, TypeError):
            continue
    return found


def share_of(chosen: Line, stream: Path) -> float:
    """The share of all characters that the thresholds let in."""
    lengths = characters(stream)
    return sum(lengths[record] for record in chosen["accepted"]) / sum(lengths.values())


def replay(arm: str, seed: int, records: int, chosen: Line | None) -> Line:
    """One run with a store of its own; `chosen` is the thresholds' on the same stream, which `random` needs."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stage = set_stage(folder / "stage", seed, small_ingredients(lambda *_: None), {})
        stream = folder / "stream.jsonl"
        stream.write_bytes(b"".join(m.value.replace(b"\n", b" ") + b"\n" for m in hospital_stream(records, seed)))
        share = share_of(chosen, stream) if chosen is not None else 1.0
        summary, accepted = replayed(stream, stage, settings_of(arm, share), folder)
    return {
        "seed": seed,
        "arm": arm,
        "records": records,
        "accepted": accepted,
        "scoring_flops": summary["scoring_flops"],
        "rounds": rounds_of(summary),
        "seconds": round(time.monotonic() - began),
    }


def replayed(
    stream: Path, stage: Stage, settings: Mapping[str, str], folder: Path
) -> tuple[Mapping[str, Any], list[str]]:
    """The summary of `ccit replay` with these variables of the environment, and the records that were let in."""
    out, environment = folder / "out", {"CCIT_STORE__ROOT": str(folder / "store"), **settings}
    command = [sys.executable, "-m", "ccit.cli.main", "replay", str(stream), "--config", str(stage.config_path)]
    subprocess.run([*command, "--out", str(out)], check=True, stdout=sys.stderr, env={**os.environ, **environment})
    decisions = [json.loads(line) for line in (out / "decisions.jsonl").read_text("utf-8").splitlines()]
    return json.loads((out / "summary.json").read_text("utf-8")), [d["record_id"] for d in decisions if d["accepted"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=2400)
    parser.add_argument("--seeds", type=int, default=3, help="streams 0, 1, ...")
    parser.add_argument("--seed", type=int, help="this stream alone")
    parser.add_argument("--arm", choices=ARMS, help="this arm alone")
    parser.add_argument("--lines", type=Path, default=Path("runs/baselines.jsonl"), help="one JSON line for each run")
    options = parser.parse_args()
    if options.records < MANY:
        parser.error(f"expected at least {MANY} records: fewer give too few rounds to compare")
    text = options.lines.read_text("utf-8") if options.lines.exists() else ""
    lines = [line for line in map(json.loads, text.splitlines()) if line["records"] == options.records]
    options.lines.parent.mkdir(parents=True, exist_ok=True)
    done = {(line["seed"], line["arm"]): line for line in lines}
    for seed in range(options.seeds) if options.seed is None else [options.seed]:
        for arm in ARMS if options.arm is None else [options.arm]:
            chosen = done.get((seed, "thresholds"))
            if arm == "random" and chosen is None:
                parser.error(f"expected the thresholds' run of seed {seed} in {options.lines}: run that arm first")
            if (seed, arm) in done:
                continue
            line = done[seed, arm] = replay(arm, seed, options.records, chosen)
            with options.lines.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            shown = {key: value for key, value in line.items() if key != "accepted"}
            print(json.dumps(shown), file=sys.stderr, flush=True)
    print("\n".join(table(done.values())))


if __name__ == "__main__":
    main()
