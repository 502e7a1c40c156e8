"""Records per second through the whole loop, where the time goes, and the peak memory of each process.

    python -m benchmarks.loop [--records 600] [--broker embedded]

Runs `ccit demo` and watches its processes twice a second. PSS counts a page shared by n processes as 1/n, so the
column can be added up; RSS counts it n times. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

EVERY_S = 0.5


@dataclass
class ProcessFigures:
    """One process's figures; memory in MiB, CPU in seconds."""

    cpu: float = 0.0
    pss: float = 0.0
    rss: float = 0.0


def role(process: psutil.Process) -> str:
    """What a process of the demo is, from its command line."""
    words = process.cmdline()
    if "ccit.training.worker" in words:
        return "train: child"
    if "kafka.Kafka" in words:
        return "Apache Kafka"
    commands = [w for w in words if w in ("ingest", "score", "train", "serve", "demo")]
    return commands[0] if commands else Path(words[0]).name if words else "gone"


def watch(root: psutil.Process, seen: dict[str, ProcessFigures]) -> float:
    """Note the figures of a process and its children; the sum of all PSS in MiB."""
    total = 0.0
    for process in [root, *root.children(recursive=True)]:
        try:
            memory, cpu, name = process.memory_full_info(), process.cpu_times(), role(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        entry = seen.setdefault(name, ProcessFigures())
        entry.cpu = max(entry.cpu, cpu.user + cpu.system)
        entry.pss = max(entry.pss, memory.pss / 2**20)
        entry.rss = max(entry.rss, memory.rss / 2**20)
        total += memory.pss / 2**20
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=600)
    parser.add_argument("--broker", choices=["embedded", "local"], default="embedded")
    options = parser.parse_args()
    out = Path(tempfile.mkdtemp())
    command = [sys.executable, "-m", "ccit.cli.main", "demo", "--json", "--broker", options.broker]
    demo = psutil.Popen([*command, "--records", str(options.records), "--out", str(out)], stdout=subprocess.DEVNULL)
    seen: dict[str, ProcessFigures] = {}
    peak = 0.0
    while demo.poll() is None:
        peak = max(peak, watch(demo, seen))
        time.sleep(EVERY_S)
    if demo.returncode:
        sys.exit(f"ccit demo ended with exit code {demo.returncode}")
    summary = json.loads((out / "summary.json").read_text())
    rate = summary["records"]["in"] / summary["seconds"]
    print(f"{summary['records']['in']} records in {summary['seconds']:.0f} s ({options.broker} broker): ", end="")
    print(f"{rate:.1f} records/s through the whole loop, {summary['rounds']} rounds included.\n")
    print("| process | CPU, s | share | peak PSS, MiB | peak RSS, MiB |")
    print("|---|---|---|---|---|")
    cpu = sum(entry.cpu for entry in seen.values())
    for name, entry in sorted(seen.items(), key=lambda item: -item[1].cpu):
        print(f"| {name} | {entry.cpu:.1f} | {entry.cpu / cpu:.0%} | {entry.pss:.0f} | {entry.rss:.0f} |")
    print(f"| all, at the same moment | {cpu:.1f} | | {peak:.0f} | |")


if __name__ == "__main__":
    main()
