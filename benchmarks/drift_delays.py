"""How soon each detector of a score finds that its mean has moved, and how often it says so where nothing has.

    python -m benchmarks.drift_delays [--streams 100]

Simulated streams of one partition's IFDs: independent normal values around 0.75 with a spread of 0.1, seeds 0, 1, ...;
every detector with its defaults. Streams of 2,000 in which nothing changes give the false alarms; in others the mean
rises by two spreads or by one after 300 samples and stays there for 400. The delay is counted in samples from the
change to the first alarm behind it. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence

import numpy as np

from ccit.plugins import build, plugins
from ccit.ports.drift import DetectorContext
from ccit.testing import accepted_with

KINDS = ("adwin", "page_hinkley", "kswin")
MEAN, SPREAD = 0.75, 0.1
QUIET, BEFORE, AFTER = 2000, 300, 400  # samples
RISES = (2.0, 1.0)  # spreads


def alarms(kind: str, values: Sequence[float]) -> list[int]:
    """The places at which a new detector says that there is a change."""
    detector = build("detector", plugins("detector")[kind].settings(), DetectorContext(seed=0))
    return [place for place, value in enumerate(values) if detector.observe(accepted_with(value)) is not None]


def drawn(seed: int, count: int, *, rise: float = 0.0) -> list[float]:
    """Values of a stream; the mean rises by so many spreads after `BEFORE` of them."""
    risen = np.arange(count) >= BEFORE
    return [float(value) for value in np.random.default_rng(seed).normal(MEAN, SPREAD, count) + rise * SPREAD * risen]


def delays(kind: str, rise: float, streams: int) -> str:
    """A cell of the table: in how many streams a change was found, and after how many samples."""
    said = [alarms(kind, drawn(seed, BEFORE + AFTER, rise=rise)) for seed in range(streams)]
    behind = [[place for place in own if place >= BEFORE] for own in said]
    found = [own[0] - BEFORE + 1 for own in behind if own]
    after = f", after {statistics.median(found):.0f} (at most {max(found)})" if found else ""
    return f"{len(found)} of {streams}{after}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=100, help="of each sort")
    streams = parser.parse_args().streams
    risen = " | ".join(f"a rise of {rise:g} spread{'s' * (rise != 1)} is found" for rise in RISES)
    print(f"| detector | false alarms in {streams * QUIET:,} samples | {risen} |\n|---|---|{'---|' * len(RISES)}")
    for kind in KINDS:
        false = sum(len(alarms(kind, drawn(seed, QUIET))) for seed in range(streams))
        print(f"| {kind} | {false} | {' | '.join(delays(kind, rise, streams) for rise in RISES)} |", flush=True)


if __name__ == "__main__":
    main()
