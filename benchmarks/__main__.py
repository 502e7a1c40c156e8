"""Run every benchmark, one process each, one after the other."""

import subprocess
import sys

SUITES = ("scoring", "swap", "transactions", "mllp", "loop")

for suite in SUITES:
    print(f"\n## {suite}\n", flush=True)
    subprocess.run([sys.executable, "-m", f"benchmarks.{suite}"], check=True)
