"""What the embedding windows find on real rows, and whether the cause is named rightly.

    python -m benchmarks.drift medquad.jsonl [--usual 5_NIDDK_QA] [--new 6_NINDS_QA] [--shuffles 20] [--threads 1]

A stream is 400 rows of one collection in random order, from five wards in turn, and then 160 that are one of these: the
same collection (nothing changes), another collection, the same from one new source, the same with a fixed opening of
each answer, the same with the answers swapped among each other. Two detectors with their defaults see it as one
partition: windows of embeddings, and ADWIN on the cosine of question and answer, both by the builtin embedder. Said is
whether a change is found within the 160, after how many, by whom first, and what cause was named; and alarms before
anything changed.
Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ccit.drift.detectors.adwin import AdwinDetector
from ccit.drift.detectors.embedding_windows import EmbeddingWindowsDetector
from ccit.drift.monitor import DriftMonitor
from ccit.ingest.rows import record_from_row, sample_from_record
from ccit.models.embedders import SentenceTransformerEmbedder
from ccit.ports.drift import Accepted, Detector, DetectorContext
from ccit.records import Decision, Drift, Position, Sample, Score
from ccit.scoring.spaces import ANSWER, QUESTION, SAMPLE, vectors_in

BEFORE, AFTER, WARDS = 400, 160, 5


def rows_of(path: Path, collection: str, count: int) -> list[Sample]:
    """The first rows of a collection."""
    read = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    own = [row for row in read if row["meta"]["collection"] == collection]
    return [sample_from_record(record_from_row(row, 0.0)) for row in own[:count]]


def accepted(samples: Sequence[Sample], embedder: SentenceTransformerEmbedder) -> list[Accepted]:
    """With their vectors."""
    spaces = {space: vectors_in(space, samples, embedder) for space in (SAMPLE, QUESTION, ANSWER)}
    relevance = (spaces[QUESTION] * spaces[ANSWER]).sum(axis=1)
    return [
        Accepted(
            Decision(sample, True, "accepted", (Score("relevance", float(relevance[n]), "cosine"),)),
            {space: rows[n] for space, rows in spaces.items()},
        )
        for n, sample in enumerate(samples)
    ]


def from_source(one: Accepted, source: str) -> Accepted:
    return replace(one, decision=replace(one.decision, sample=replace(one.decision.sample, source=source)))


def found(stream: Sequence[Accepted]) -> tuple[Drift, ...]:
    """What a monitor with the defaults has to say of a stream."""

    def make() -> dict[str, Detector]:
        context = DetectorContext(seed=0)
        return {
            "embedding_windows": EmbeddingWindowsDetector(EmbeddingWindowsDetector.Settings(), context),
            "adwin": AdwinDetector(AdwinDetector.Settings(metric="relevance"), context),
        }

    monitor = DriftMonitor(make, standing=1, stamp="bench")
    for offset, one in enumerate(stream):
        monitor.observe(Position(0, offset), one)
    return monitor.found


def line(name: str, streams: Sequence[Sequence[Accepted]]) -> str:
    """A row of the table: found, delay, causes, and alarms before anything changed."""
    drifts = [found(stream) for stream in streams]
    first = [sorted((one for one in own if one.offset >= BEFORE), key=lambda one: one.offset)[:1] for own in drifts]
    delays = [own[0].offset - BEFORE + 1 for own in first if own]
    causes = Counter(f"{own[0].cause} ({own[0].detector})" for own in first if own)
    early = sum(one.offset < BEFORE for own in drifts for one in own)
    middle = f"{statistics.median(delays):.0f} (at most {max(delays)})" if delays else ""
    said = ", ".join(f"{cause} {count}" for cause, count in causes.most_common())
    return f"| {name} | {len(delays)} of {len(streams)} | {middle} | {said} | {early} |"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drift")
    parser.add_argument("rows", type=Path)
    parser.add_argument("--usual", default="5_NIDDK_QA")
    parser.add_argument("--new", default="6_NINDS_QA")
    parser.add_argument("--shuffles", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    embedder = SentenceTransformerEmbedder()
    samples = rows_of(given.rows, given.usual, BEFORE + AFTER)
    rng = np.random.default_rng(0)
    swapped = rng.permutation(len(samples))
    usual = accepted(samples, embedder)
    new = accepted(rows_of(given.rows, given.new, AFTER), embedder)
    opening = "Dear colleague, thank you for your question. "
    form = accepted([replace(one, response=opening + one.response) for one in samples], embedder)
    others = [replace(one, response=samples[n].response) for one, n in zip(samples, swapped, strict=True)]
    answers = accepted(others, embedder)

    def streams(after: Callable[[int, int], Accepted]) -> list[list[Accepted]]:
        """For each shuffle; `after` gives a row behind the change by its rank there and its number."""
        made = []
        for seed in range(given.shuffles):
            order = np.random.default_rng(seed).permutation(len(samples))
            head = [from_source(usual[n], f"ward {rank % WARDS}") for rank, n in enumerate(order[:BEFORE])]
            made.append([*head, *(after(rank, int(n)) for rank, n in enumerate(order[BEFORE:]))])
        return made

    def ward(one: Accepted, rank: int) -> Accepted:
        return from_source(one, f"ward {rank % WARDS}")

    print("| after 400 rows | found | after so many samples | cause | alarms before |\n|---|---|---|---|---|")
    print(line("nothing changes", streams(lambda rank, n: ward(usual[n], rank))))
    print(line(f"another collection ({given.new})", streams(lambda rank, _: ward(new[rank], rank))))
    print(line("one new source, same collection", streams(lambda _, n: from_source(usual[n], "import"))))
    print(line("a fixed opening of each answer", streams(lambda rank, n: ward(form[n], rank))))
    print(line("answers swapped", streams(lambda rank, n: ward(answers[n], rank))))


if __name__ == "__main__":
    main()
