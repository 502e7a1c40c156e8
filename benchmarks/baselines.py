"""What selection buys: the demo's stream under the paper's thresholds, drawn by lot at equal tokens, and all of it.

    python -m benchmarks.baselines [--records 2400] [--seed 0]

Three replays of one stream with the same models, recipe and suites; only `selection.rule` differs. The lot draws the
share of samples that the thresholds let in. Takes about ten minutes on two cores, so `make bench` leaves it out. Prints
a Markdown table; accuracy is that of the last candidate, promoted or not. One seed gives one figure: no interval.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ccit.demo.run import MANY
from ccit.demo.stage import set_stage
from ccit.simulation.stream import hospital_stream


def replay(rule: str, share: float, stream: Path, config: Path, folder: Path) -> dict[str, Any]:
    """The summary of one replay, with a store of its own."""
    out = folder / rule
    overrides = {
        "CCIT_SELECTION__RULE": rule,
        "CCIT_SELECTION__RANDOM_SHARE": str(share),
        "CCIT_STORE__ROOT": str(folder / f"store-{rule}"),
    }
    command = [sys.executable, "-m", "ccit.cli.main", "replay", str(stream), "--config", str(config), "--json"]
    subprocess.run(
        [*command, "--out", str(out)], check=True, stdout=subprocess.DEVNULL, env={**os.environ, **overrides}
    )
    summary: dict[str, Any] = json.loads((out / "summary.json").read_text())
    return summary


def row(rule: str, summary: dict[str, Any]) -> str:
    """One line of the table."""
    rounds = summary["rounds"]
    last = rounds[-1] if rounds else {"accuracy": float("nan"), "general_accuracy": float("nan")}
    promoted = sum(r["outcome"] == "promote" for r in rounds)
    used = sum(r["samples"] for r in rounds)
    return (
        f"| {rule} | {summary['accepted']} | {used} | {len(rounds)} | {promoted} | {last['accuracy']:.1%} | "
        f"{last['general_accuracy']:.1%} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=2400)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.records < MANY:
        parser.error(f"expected at least {MANY} records: fewer give too few rounds to compare")
    folder = Path(tempfile.mkdtemp())
    stage = set_stage(folder / "stage", options.seed, lambda *_: None, {})
    stream = folder / "stream.jsonl"
    lines = (m.value.replace(b"\n", b" ") + b"\n" for m in hospital_stream(options.records, options.seed))
    stream.write_bytes(b"".join(lines))
    print("| rule | let in | trained on | rounds | promoted | accuracy of the last candidate | general |")
    print("|---|---|---|---|---|---|---|")
    chosen = replay("thresholds", 1.0, stream, stage.config_path, folder)
    print(row("thresholds", chosen), flush=True)
    share = chosen["accepted"] / chosen["decided"]
    for rule in ("random", "accept_all"):
        print(row(rule, replay(rule, share, stream, stage.config_path, folder)), flush=True)


if __name__ == "__main__":
    main()
