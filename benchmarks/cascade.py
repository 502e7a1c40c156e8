"""The cascade of checks on a redundant stream: what each costs and refuses, and how many records no model reads.

    python -m benchmarks.cascade [--proxy DIR] [--samples 1000] [--seed 0] [--threads 1]

The simulated hospital's stream under the demo's profile, in batches of 128; IFD refuses nothing, so that what it costs
is seen on everything that comes to it. Without a proxy, a Qwen2 with random weights stands in. Seconds are measured
around each check's own calls; the embedding of a batch counts for novelty, which asks for it first.

The order that costs least is by milliseconds per refusal, the last column, for checks that refuse independently (Smith
1956). The order that runs, that of the lines, follows the declared `cost`, so that nothing depends on a clock: the
reason of a decision is the first refusal, and a replay must give the same reasons on a machine that is busy otherwise.
Who is accepted is the same in any order.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch

from benchmarks.scoring import reader, simulated
from ccit.config import Selection
from ccit.models.causal import load_causal
from ccit.models.embedders import SentenceTransformerEmbedder
from ccit.plugins import build
from ccit.ports.selection import Check, CheckContext, PolicyContext
from ccit.records import Decision, Position, Sample
from ccit.scoring.index import ExactIndex
from ccit.selection.admission import Admission, Selector
from ccit.selection.admitted import AdmittedSamples
from ccit.selection.reasons import ADMISSION
from ccit.testing import random_model

PROXY = "ifd"
BATCH = 128  # records decided together


class Meter:
    """Seconds of each check, by kind."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def on(self, kind: str, call: Callable[[Sequence[Any]], Any]) -> Callable[[Any], Any]:
        """The same call, measured."""

        def measured(items: Sequence[Any]) -> Any:
            start = time.perf_counter()
            found = call(items)
            self.seconds[kind] += time.perf_counter() - start
            return found

        return measured


def settings() -> Selection:
    """The demo's selection, with an IFD that refuses nothing."""
    asked: dict[str, Any] = tomllib.loads((files("ccit.demo") / "profile.toml").read_text())["selection"]
    asked["checks"][PROXY] = {"min": 0.0, "max": 1e9}
    return Selection.model_validate(asked)


def run(samples: Sequence[Sample], proxy_folder: Path, threads: int) -> tuple[list[Decision], dict[str, Check], Meter]:
    """Decide all samples, as a scorer does, with every check measured."""
    torch.set_num_threads(threads)
    proxy, embedder, meter = load_causal(str(proxy_folder)), SentenceTransformerEmbedder(), Meter()
    admitted = AdmittedSamples({"sample": ExactIndex(embedder.dimension)})
    context = CheckContext(embedder, admitted, partial(reader, proxy), len, lambda: "", seed=0)
    asked = settings()
    checks: dict[str, Any] = {kind: build("check", made, context) for kind, made in asked.checks.items()}
    for kind, check in checks.items():
        check.score = meter.on(kind, check.score)
    admission = Admission(checks, Selector.of(asked.policy, PolicyContext(0)), admitted, embedder)
    embedder.embed = meter.on("novelty", embedder.embed)  # type: ignore[method-assign, assignment]  # measured, and nothing else
    decisions: list[Decision] = []
    for start in range(0, len(samples), BATCH):
        batch = admission.decide(samples[start : start + BATCH])
        taken = [decision.sample.sample_id for decision in batch if decision.accepted]
        admission.commit({name: Position(0, start + n) for n, name in enumerate(taken)})
        decisions += batch
    return decisions, checks, meter


def rows(decisions: Sequence[Decision], checks: dict[str, Check], meter: Meter) -> list[str]:
    """One line per check, in the order in which they run."""
    refused = Counter(decision.owner for decision in decisions if not decision.accepted)
    left, found = len(decisions), []
    for kind in [ADMISSION, *sorted(checks, key=lambda kind: (checks[kind].cost, kind))]:
        milliseconds = 1e3 * meter.seconds[kind] / left
        share = refused[kind] / left
        price = f"{milliseconds / share:.2f}" if share else "-"
        declared = f"{checks[kind].cost:g}" if kind in checks else "0"
        found.append(f"| {kind} | {declared} | {left} | {refused[kind]} | {share:.1%} | {milliseconds:.2f} | {price} |")
        left -= refused[kind]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proxy", type=Path, help="folder of a causal language model")
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    samples = simulated(options.samples, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        proxy = options.proxy or random_model(Path(folder) / "proxy", hidden=256, layers=4)
        decisions, checks, meter = run(samples, proxy, options.threads)
    spared = sum(all(score.metric != PROXY for score in decision.scores) for decision in decisions)
    print(f"{len(samples)} samples; {spared / len(samples):.1%} of them never reach the language model\n")
    print("| check | declared cost | reach it | refused | share | ms a sample | ms per refusal |")
    print("|---|---|---|---|---|---|---|")
    print("\n".join(rows(decisions, checks, meter)))


if __name__ == "__main__":
    main()
