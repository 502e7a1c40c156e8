"""What a server holds after many versions: its resident memory over 1,000 swaps, while it is asked.

    python -m benchmarks.swap_memory [--hidden 128] [--layers 4] [--swaps 1000]

The server of `benchmarks.serving` is in this process, two clients that never stop asking are in another. Each version
has weights of its own and goes once three younger ones are there. Keys and values have 16 MiB, so that they are full
before the first reading: up to `serving.backend.cache_mib` memory grows by intent. Prints Markdown.
"""

from __future__ import annotations

import argparse
import multiprocessing
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor

import psutil
from safetensors.torch import load, save

from benchmarks.serving import Answered, adapters, clients_process, serving, talkative_model
from ccit.models.adapter_format import WEIGHTS_FILE

CACHE_MIB = 16
PAUSE_S = 0.1  # between two swaps: a few answers of each version
WARM = 50  # swaps before the first reading
READINGS = (WARM, 100, 200, 400, 600, 800, 1000)


def versions(files: Mapping[str, bytes], count: int) -> Iterator[tuple[int, dict[str, bytes]]]:
    """Numbered from 1; no two have the same weights."""
    for number in range(1, count + 1):
        tensors = load(files[WEIGHTS_FILE])
        next(iter(tensors.values()))[0, 0] += number
        yield number, {**files, WEIGHTS_FILE: save(tensors)}


def measure(url: str, swap: Iterator[int], pool: ProcessPoolExecutor) -> Iterator[tuple[int, int, int, int, int]]:
    """Swaps, resident bytes, and so far: answers, failures among them, versions that answered."""
    process, pause, seen, asked, failed = psutil.Process(), threading.Event(), set[str](), 0, 0
    pool.submit(clients_process, url, 2, 8, 8).result()  # until then the clients are not there
    asking = pool.submit(clients_process, url, 2, 32, 8)
    for number in swap:
        pause.wait(PAUSE_S)
        if asking.done():
            answers: list[Answered] = asking.result()
            asked, failed = asked + len(answers), failed + sum(bool(answer.failure) for answer in answers)
            seen.update(*(answer.models for answer in answers))
            asking = pool.submit(clients_process, url, 2, 32, 8)
        if number in READINGS:
            yield number, process.memory_info().rss, asked, failed, len(seen)
    asking.result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--swaps", type=int, default=1000)
    options = parser.parse_args()
    base = talkative_model(options.hidden, options.layers)
    files = adapters(base)[0]
    print("| swaps | resident, MiB | against the first | answers | failed | versions that answered |")
    print("|---|---|---|---|---|---|")
    first = 0
    with (
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool,
        serving(base, CACHE_MIB) as (slots, url),
    ):

        def swap() -> Iterator[int]:
            for number, one in versions(files, options.swaps):
                slots.load(number, one)
                slots.activate(number)
                yield number

        for number, bytes_now, asked, failed, seen in measure(url, swap(), pool):
            first = first or bytes_now
            print(
                f"| {number} | {bytes_now / 2**20:.1f} | {bytes_now / first - 1:+.2%} | {asked} | {failed} | {seen} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
