"""Scoring, training, serving and determinism on one GPU, in one command of less than four minutes.

    python -m benchmarks.gpu --out DIR [--device cuda] [--samples 512] [--parts scoring serving ...] [--seconds 210]

Each part is a process of its own: all load their libraries at once, then have their turns. What a part has measured is
a JSON line in DIR by then, whatever becomes of it. Prints a Markdown table, with the bars. Rehearse it on a CPU with
`--samples 8 --device cpu`: the models are tiny there, and nothing that it says about speed means anything.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from pathlib import Path

import torch
import transformers

PARTS = {  # module with its arguments, and seconds that it may take
    "training_large": (["benchmarks.gpu.training", "large"], 50),
    "determinism": (["benchmarks.gpu.determinism"], 60),
    "scoring": (["benchmarks.gpu.scoring"], 70),
    "serving": (["benchmarks.gpu.serving"], 60),
    "training_small": (["benchmarks.gpu.training", "small"], 50),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--samples", type=int, default=512)
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seconds", type=float, default=210, help="for everything; a part that is over it is ended")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    options = ["--device", asked.device, "--samples", str(asked.samples), "--out", str(asked.out)]
    running = {
        name: subprocess.Popen([sys.executable, "-m", *PARTS[name][0], *options], stdin=subprocess.PIPE, text=True)
        for name in asked.parts
    }
    for name, process in running.items():
        left = asked.seconds - (time.monotonic() - began)
        try:
            process.communicate("go\n", timeout=max(1.0, min(left, PARTS[name][1])))
        except (subprocess.TimeoutExpired, BrokenPipeError) as error:
            process.kill()
            process.wait()
            print(f"{name}: {type(error).__name__}", flush=True)
        print(f"{name} ended after {time.monotonic() - began:.0f} s in all, code {process.returncode}", flush=True)
    print(table(asked.out, asked.device), flush=True)
    return 0


def table(out: Path, device: str) -> str:
    """All figures as Markdown."""
    lines = [f"{describe(device)}\n", "| part | what | value | bar | more |", "|---|---|---|---|---|"]
    for file in sorted(out.glob("*.jsonl")):
        for text in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(text)
            more = {key: value for key, value in row.items() if key not in ("part", "what", "value", "unit", "bar")}
            said = ", ".join(f"{k} {v:,.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in more.items())
            lines.append(
                f"| {row['part']} | {row['what']} | {row['value']:,.4g} {row['unit']} | {row['bar']} | {said} |"
            )
    return "\n".join(lines)


def describe(device: str) -> str:
    """The machine, in a line."""
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}, Python {platform.python_version()}"
    if device == "cpu":
        return f"CPU, {versions}"
    asked = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    card = subprocess.run(asked, check=False, capture_output=True, text=True).stdout.strip()
    return f"{card}, {versions}"


if __name__ == "__main__":
    sys.exit(main())
