"""What selection buys: the demo's stream under the paper's thresholds, drawn by lot at equal tokens, and all of it.

    python -m benchmarks.baselines [--records 2400] [--seeds 3]

Replays of the same streams with the same models, recipe and suites; only `[selection.policy]` differs. The lot draws
the share of tokens (counted as characters of the answers) that the thresholds let in. Each seed is a stream and suites
of its own. Takes about ten minutes a seed on two cores, so `make bench` leaves it out. Prints a Markdown table of means
with the smallest and the largest value over the seeds. Accuracy is that of the last candidate, promoted or not; *at
equal tokens* is that of the candidate before which the rule had trained on about as many tokens as the thresholds in
all. The stream brings new subjects to its end, so a rule that has seen less of it by then knows fewer of them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from ccit.demo.run import MANY
from ccit.demo.stage import Stage, set_stage
from ccit.simulation.stream import hospital_stream

NAN = float("nan")


@dataclass(frozen=True)
class Run:
    """One rule on one stream."""

    summary: dict[str, Any]
    accepted: frozenset[str]  # record ids

    @property
    def tokens(self) -> int:
        """Trained on, in all rounds, by both models."""
        return sum(r["training_tokens"] for r in self.summary["rounds"])

    def figures(self, tokens: int) -> tuple[float, ...]:
        """The row of the table; the last column is taken where about so many `tokens` had been trained on."""
        rounds = self.summary["rounds"]
        if not rounds:
            return (self.summary["accepted"], 0.0, 0, 0, NAN, NAN, NAN)
        so_far = list(accumulate(r["training_tokens"] for r in rounds))
        nearest = min(range(len(rounds)), key=lambda n: abs(so_far[n] - tokens))
        promoted = sum(r["outcome"] == "promote" for r in rounds)
        shares = (rounds[-1]["accuracy"], rounds[-1]["general_accuracy"], rounds[nearest]["accuracy"])
        return (self.summary["accepted"], self.tokens / 1e6, len(rounds), promoted, *(100 * share for share in shares))


def replay(rule: str, share: float, stream: Path, stage: Stage, folder: Path) -> Run:
    """One replay under a policy, with a store of its own."""
    out = folder / rule
    overrides = {
        "CCIT_SELECTION__POLICY__KIND": rule,
        **({"CCIT_SELECTION__POLICY__SHARE": str(share)} if rule == "random" else {}),
        "CCIT_STORE__ROOT": str(folder / f"store-{rule}"),
    }
    command = [sys.executable, "-m", "ccit.cli.main", "replay", str(stream), "--config", str(stage.config_path)]
    subprocess.run([*command, "--out", str(out)], check=True, stdout=sys.stderr, env={**os.environ, **overrides})
    decisions = [json.loads(line) for line in (out / "decisions.jsonl").read_text("utf-8").splitlines()]
    accepted = frozenset(line["record_id"] for line in decisions if line["accepted"])
    return Run(json.loads((out / "summary.json").read_text("utf-8")), accepted)


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


def compare(seed: int, records: int, folder: Path) -> dict[str, tuple[float, ...]]:
    """The three rules on one stream."""
    stage = set_stage(folder / "stage", seed, lambda *_: None, {})
    stream = folder / "stream.jsonl"
    stream.write_bytes(b"".join(m.value.replace(b"\n", b" ") + b"\n" for m in hospital_stream(records, seed)))
    chosen = replay("thresholds", 1.0, stream, stage, folder)
    lengths = characters(stream)
    share = sum(lengths[record] for record in chosen.accepted) / sum(lengths.values())
    found = {"thresholds": chosen.figures(chosen.tokens)}
    for rule in ("random", "accept_all"):
        found[rule] = replay(rule, share, stream, stage, folder).figures(chosen.tokens)
    return found


def cell(values: Sequence[float], digits: int) -> str:
    """Mean, and from where to where."""
    known = [value for value in values if value == value]
    if not known:
        return "none"
    spread = f" ({min(known):,.{digits}f} to {max(known):,.{digits}f})" if len(known) > 1 else ""
    return f"{statistics.fmean(known):,.{digits}f}{spread}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=2400)
    parser.add_argument("--seeds", type=int, default=3, help="streams 0, 1, ...")
    options = parser.parse_args()
    if options.records < MANY:
        parser.error(f"expected at least {MANY} records: fewer give too few rounds to compare")
    runs = []
    for seed in range(options.seeds):
        runs.append(compare(seed, options.records, Path(tempfile.mkdtemp())))
        print(f"seed {seed}: {runs[-1]}", file=sys.stderr, flush=True)
    print("| rule | let in | tokens trained, M | rounds | promoted | accuracy, % | general, % | at equal tokens, % |")
    print("|---|---|---|---|---|---|---|---|")
    for rule in runs[0]:
        columns = list(zip(*(run[rule] for run in runs), strict=True))
        cells = [cell(values, digits) for values, digits in zip(columns, (0, 2, 1, 1, 1, 1, 1), strict=True)]
        print(f"| {rule} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
