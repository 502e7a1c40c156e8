"""The novelty index from 10^3 to 10^6 vectors: what a query costs, what it misses, what is added, written and read.

    python -m benchmarks.index [--sizes 1000 10000 100000 1000000] [--rows FILE.jsonl] [--threads 2]

Vectors of 384 numbers, made from embeddings of real texts by the builtin embedder: each lies between two of them (up to
half way) and is moved by noise of length 0.3. The texts are the rows of `--rows`, or of the simulated hospital. Queries
are made in the same way and are none of the rows. Recall is the share of queries whose nearest neighbour, by exact
search, is found; *near recall* is that among queries with a cosine of at least 0.9 to it, those that novelty refuses.
Start is what a scorer does before its first decision: read the snapshot, take its rows in, answer one query. Prints a
Markdown table.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import faiss
import numpy as np
import torch

from benchmarks.scoring import simulated
from ccit.config import Selection
from ccit.ingest.files import samples_of
from ccit.models.embedders import SentenceTransformerEmbedder
from ccit.ports.vectors import SampleIndex, Vectors
from ccit.records import Position
from ccit.scoring.growing import GrowingIndex
from ccit.scoring.index import ExactIndex
from ccit.scoring.snapshot import Snapshot, SnapshotOrigin, read_snapshot, write_snapshot
from ccit.selection.admitted import AdmittedSamples
from ccit.vectors import quantise

MAX_BYTES = 1_000_000
QUERIES = 256
PART = 50_000  # rows made and added at a time
NEAR = 0.9
EXACT_UP_TO = Selection().exact_up_to
ORIGIN = SnapshotOrigin("ccit.samples", "ccit", "e")


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def resident() -> float:
    """Bytes of memory that this process holds."""
    gc.collect()
    return float(Path("/proc/self/statm").read_text().split()[1]) * 4096


def real_vectors(rows: Path | None, count: int) -> Vectors:
    samples = samples_of(rows, MAX_BYTES) if rows else simulated(count)
    stride = max(1, len(samples) // count)
    texts = [f"{s.instruction}\n{s.response[:160]}" for s in samples[::stride][:count]]
    return SentenceTransformerEmbedder(device="cpu").embed(texts)


def between(real: Vectors, count: int, seed: int) -> Vectors:
    """Quantised vectors (count, d) between pairs of real ones."""
    draw = np.random.default_rng(seed)
    share = draw.uniform(0, 0.5, (count, 1))
    first, second = (real[draw.integers(0, len(real), count)] for _ in range(2))
    noise = draw.standard_normal(first.shape, dtype=np.float32) * (0.3 / first.shape[1] ** 0.5)
    return quantise((1 - share) * first + share * second + noise)


def filled(index: SampleIndex, real: Vectors, size: int) -> float:
    """Fill an index; the seconds that adding took."""
    spent = 0.0
    for start in range(0, size, PART):
        rows = between(real, min(PART, size - start), seed=start + 1)
        places = [Position(n % 4, n // 4) for n in range(start, start + len(rows))]
        spent += seconds(partial(index.add, rows, places))
    return spent


def per_query(index: SampleIndex, queries: Vectors, times: int) -> tuple[float, float]:
    """Microseconds of a query, one at a time (medians of 12 `times`) and in batches of 128 (of `times`)."""
    alone = [seconds(partial(index.search, query, 1)) for query in np.split(queries[: 12 * times], 12 * times)]
    together = [seconds(partial(index.search, queries[:128], 1)) / 128 for _ in range(times)]
    return 1e6 * statistics.median(alone), 1e6 * statistics.median(together)


def recalls(index: SampleIndex, exact: SampleIndex, queries: Vectors) -> tuple[float, float]:
    """Share of the nearest neighbours that are found: of all queries, and of those near to one."""
    best = [near[0].similarity for near in exact.search(queries, 1)]
    found = [near[0].similarity if near else -1.0 for near in index.search(queries, 1)]
    hits = [f >= b for f, b in zip(found, best, strict=True)]
    near = [hit for hit, b in zip(hits, best, strict=True) if b >= NEAR]
    return statistics.mean(hits), statistics.mean(near) if near else float("nan")


def start_up(index: SampleIndex, path: Path, queries: Vectors) -> tuple[float, float, float]:
    """Seconds to write a snapshot, to read it, and to take it in and answer one query."""
    positions = tuple(index.positions)
    ids = tuple(f"{n:064x}" for n in range(len(positions)))
    snapshot = Snapshot(ORIGIN, {0: len(ids)}, positions, ids, ids, {"sample": index.vectors()})
    written = seconds(partial(write_snapshot, path, snapshot))
    start = time.perf_counter()
    found = read_snapshot(path, ORIGIN)
    read = time.perf_counter() - start

    def take_in() -> None:
        admitted = AdmittedSamples({"sample": GrowingIndex(queries.shape[1], EXACT_UP_TO)})
        admitted.add_all(found.digests, found.vectors, found.positions)
        admitted.search(queries[:1], 1)

    return written, read, seconds(take_in)


def measured(size: int, real: Vectors, queries: Vectors) -> Sequence[str]:
    before = resident()
    index = GrowingIndex(real.shape[1], EXACT_UP_TO)
    added = filled(index, real, size)
    first = seconds(partial(index.search, queries[:1], 1))  # learns the clusters
    memory = (resident() - before) / size
    alone, together = per_query(index, queries, 5)
    exact = ExactIndex(real.shape[1])
    filled(exact, real, size)
    recall, near = recalls(index, exact, queries)
    plain, plain_together = per_query(exact, queries, 1)
    del exact
    with tempfile.TemporaryDirectory() as folder:
        written, read, taken = start_up(index, Path(folder) / "snapshot", queries)
    return (
        f"{size:,}",
        f"{alone:,.0f}",
        f"{together:,.0f}",
        f"{plain:,.0f}",
        f"{plain_together:,.0f}",
        f"{recall:.3f}",
        f"{near:.3f}",
        f"{memory:,.0f}",
        f"{added:.1f}",
        f"{first:.1f}",
        f"{written:.1f}",
        f"{read + taken:.1f}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--rows", type=Path, help="JSONL instruction rows")
    parser.add_argument("--texts", type=int, default=2500, help="real texts that are embedded")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    faiss.omp_set_num_threads(options.threads)
    real = real_vectors(options.rows, options.texts)
    queries = between(real, QUERIES, seed=0)
    print(f"{len(real)} real vectors of {real.shape[1]}, {options.threads} threads\n")
    print("| vectors | us a query | in batches | exact, us | in batches | recall@1 | near recall@1 ", end="")
    print("| bytes a vector | add, s | first query, s | write, s | start, s |")
    print("|" + "---|" * 12)
    for size in options.sizes:
        print("| " + " | ".join(measured(size, real, queries)) + " |", flush=True)


if __name__ == "__main__":
    main()
