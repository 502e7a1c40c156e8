"""Tokens per second of the embedded server beside those of `transformers serve`, over the same weights: seconds on the
wall, and, since a machine may have other work, seconds of the server's processor.

    python -m benchmarks.transformers_serve --python PYTHON [--hidden 128] [--layers 4] [--rounds 3]

PYTHON is an interpreter that has `transformers[serving]`. One server runs at a time, with one thread of torch, and they
take turns, so that other work shows in all. `transformers serve` has no adapters that change, so it serves the base
model; the embedded server is asked for that, and for a version with a LoRA adapter of rank 16. Prints Markdown.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import socket
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from benchmarks.serving import TOKENS, Answered, adapters, clients_process, serving, talkative_model
from ccit.models.causal import CausalModel

LOADS = ((1, 8), (8, 32), (32, 64))  # clients, and the requests that they share
START_S = 120.0
BROKEN = "\N{REPLACEMENT CHARACTER}"  # at the end of a stream, `transformers serve` leaves it out


@dataclass
class Contender:
    """What is asked; rates by the number of clients (of the wall, of the processor), texts by prompt."""

    name: str
    model: str
    rates: dict[int, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    texts: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    failed: int = 0

    def measure(self, pool: ProcessPoolExecutor, url: str, spent: Callable[[], float]) -> None:
        """`spent` says how many seconds of a processor the server has had."""
        pool.submit(clients_process, url, 2, 4, TOKENS, self.model).result()  # the first passes take longer
        for clients, requests in LOADS:
            before = spent()
            answers: list[Answered] = pool.submit(clients_process, url, clients, requests, TOKENS, self.model).result()
            tokens, worked = sum(a.tokens for a in answers), spent() - before
            seconds = max(a.ended for a in answers) - min(a.began for a in answers)
            self.rates[clients].append((tokens / seconds, tokens / worked))
            self.failed += sum(bool(a.failure) for a in answers)
            for a in answers:
                self.texts[a.prompt].add(a.failure or a.text.rstrip(BROKEN))


@contextmanager
def embedded(base: CausalModel) -> Iterator[str]:
    """The address of a server that holds a version beside the base model."""
    with serving(base) as (slots, url):
        slots.load(1, adapters(base)[0])
        slots.activate(1)
        yield url


@contextmanager
def transformers_serve(python: str, folder: Path, *options: str) -> Iterator[tuple[str, Callable[[], float]]]:
    """The address at which it answers, and its seconds of a processor; it ends with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, "-m", "transformers.cli.transformers", "serve", str(folder), "--port", str(port), *options]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with (folder / f"{port}.log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--device", "cpu", "--dtype", "float32"],
            stdout=log,
            stderr=log,
            env=environment,
        )
        try:
            wait_for(f"http://127.0.0.1:{port}", process)
            seen = psutil.Process(process.pid)
            yield f"http://127.0.0.1:{port}", lambda: sum(seen.cpu_times()[:2])
        finally:
            process.terminate()
            process.wait(30)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(f"{url}/health").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise SystemExit(f"transformers serve did not answer at {url} within {START_S:.0f} s, or ended: {process.args!r}")


def weights(folder: Path, hidden: int, layers: int) -> CausalModel:
    """The model, which is in the folder too."""
    base = talkative_model(hidden, layers)
    base.model.save_pretrained(folder)
    base.tokenizer.save_pretrained(folder)
    return base


def table(contenders: list[Contender]) -> str:
    rows = ["| server | " + " | ".join(f"{clients} clients" for clients, _ in LOADS) + " | failed |"]
    rows.append("|---" * (len(LOADS) + 2) + "|")
    for one in contenders:
        rates = [one.rates[clients] for clients, _ in LOADS]
        cells = [" / ".join(f"{statistics.median(kind):.0f}" for kind in zip(*found, strict=True)) for found in rates]
        rows.append(f"| {one.name} | " + " | ".join(cells) + f" | {one.failed} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", required=True)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    base = weights(folder, options.hidden, options.layers)
    version, plain = Contender("ccit, a version", "ccit@1"), Contender("ccit, the base model", "base")
    theirs = {
        (): Contender("transformers serve", str(folder)),
        ("--continuous-batching",): Contender("transformers serve --continuous-batching", str(folder)),
    }
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        for _ in range(options.rounds):
            with embedded(base) as url:
                version.measure(pool, url, time.process_time)
                plain.measure(pool, url, time.process_time)
            for flags, one in theirs.items():
                with transformers_serve(options.python, folder, *flags) as (url, spent):
                    one.measure(pool, url, spent)
            print(table([version, plain, *theirs.values()]), flush=True)
    for one in theirs.values():
        same = sum(one.texts[prompt] == plain.texts[prompt] for prompt in plain.texts)
        print(f"\n{one.name}: of {len(plain.texts)} prompts, {same} have the embedded server's answer.")


if __name__ == "__main__":
    main()
