"""What each score gives right answers and spoiled ones, on real rows: the pictures of `docs/scores.md`.

    python -m benchmarks.score_pictures medquad.jsonl --proxy DIR [--rows 400] [--seed 0] [--out docs/scores]

Whole documents (all questions of one `meta.focus`) are drawn by the seed until there are so many rows, of those with an
answer of 20 to 200 words, and come in random order. A quarter of the answers of each collection go round among their
questions (`benchmarks/wrong_answers.py`). Of the others one in six is cut between two words, and of one in six the last
sentence comes three times more. Behind them all come copies of as many right rows: their question begins with other
words, and one word in twenty of the answer is left out. The rows pass in batches of 64, as `ccit assess --checks` has
them pass; no check refuses anything.
Writes an SVG for each score, and prints a Markdown table. No text of a row comes into either.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from markupsafe import Markup

from benchmarks.wrong_answers import Numbers, Truth, area_with_interval, exchanged, measured
from ccit.ingest.files import lines_of
from ccit.ingest.rows import parse_row, record_from_row, sample_from_record
from ccit.plugins import plugins
from ccit.records import Sample
from ccit.report.histogram import Histogram
from ccit.report.svg import Scale, element, join, line, rect, text, ticks
from ccit.scoring.sentences import split_sentences

RIGHT, EXCHANGED, CUT, REPEATS, COPIES = "right", "exchanged", "cut off", "repeating", "near-copies"
SPOILED_AS = {  # score -> what is to be told from right answers by it, and what it says
    "ifd": (EXCHANGED, "perplexity of the answer after its question, over that without"),
    "relevance": (EXCHANGED, "cosine of question and answer"),
    "attribution": (EXCHANGED, "that cosine, less the highest of any question accepted before"),
    "agreement": (EXCHANGED, "agreement with the answers to near questions accepted before"),
    "wrong_answer": (EXCHANGED, "the four above together, 0 right to 1 wrong"),
    "completeness": (CUT, "how the answer ends, 0 within a sentence to 1 closed"),
    "repetition": (REPEATS, "share of three-word runs that came before in the answer"),
    "diversity": (REPEATS, "mean of 1 - cosine over pairs of the answer's sentences"),
    "novelty": (COPIES, "1 - cosine to the nearest row accepted before"),
    "near_copies": (COPIES, "1 - share of character shingles in common with the nearest"),
}
NOTHING_NEAR = 2.0  # novelty of a row with which nothing could be compared
WORDS = range(20, 201)  # of an answer
EACH = 6  # one in so many is spoiled in each way
MAX_BYTES = 1 << 20

WIDTH, HEIGHT, LEFT, RIGHT_EDGE, TOP, HALF, ROOM = 760, 262, 196, 744, 62, 70, 120  # the last for a bound's words
STYLE = """
.card{fill:#fff}.t{font:13px system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:#1b2632}.faint{fill:#536170}
.strong{font-weight:650}.grid{stroke:#e8ecf0}.axis{stroke:#9aa6b2}.right{--c:#1f6fb2}.spoiled{--c:#c4451c}
.fill{fill:var(--c)}.median{stroke:var(--c);stroke-width:2.5}.bound{stroke:#1b2632;stroke-dasharray:5 4}
@media(prefers-color-scheme:dark){.card{fill:#182028}.t{fill:#e7edf3}.faint{fill:#a3b0bd}.grid{stroke:#242e38}
.axis{stroke:#66737f}.right{--c:#4fa3e3}.spoiled{--c:#e8683c}.bound{stroke:#e7edf3}}
"""  # the colours of `ccit/report/page.css`: a picture on a page of Markdown has no style but its own


@dataclass(frozen=True, slots=True)
class Side:
    """What a score gives rows of one kind."""

    kind: str
    values: Numbers  # of those that have one
    rows: int
    refused: float  # the share

    @classmethod
    def of(cls, kind: str, values: Numbers, refused: Truth) -> Side:
        return cls(kind, values[~np.isnan(values)], len(values), float(refused.mean()) if len(values) else 0.0)

    @property
    def median(self) -> str:
        return f"{np.median(self.values):.3f}" if len(self.values) else "-"


@dataclass(frozen=True, slots=True)
class Picture:
    """A score, the two kinds of rows it is to tell apart, and how well it does: AUC with its 95 % interval."""

    metric: str
    right: Side
    spoiled: Side
    area: tuple[str, str]

    @classmethod
    def of(cls, metric: str, kinds: Sequence[str], values: Numbers, refused: Truth) -> Picture:
        values = np.where(values == NOTHING_NEAR, np.nan, values) if SPOILED_AS[metric][0] == COPIES else values
        kind_of = np.array(kinds)
        right, spoiled = (
            Side.of(kind, values[kind_of == kind], refused[kind_of == kind]) for kind in (RIGHT, SPOILED_AS[metric][0])
        )
        both = np.concatenate([right.values, spoiled.values])
        is_spoiled = np.repeat([False, True], [len(right.values), len(spoiled.values)])
        return cls(metric, right, spoiled, area_with_interval(-both if low_is_wrong(metric) else both, is_spoiled))


def main() -> None:
    """Write the pictures and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--proxy", required=True, help="folder of a causal language model")
    parser.add_argument("--rows", type=int, default=400, help="before copies are added")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("docs/scores"))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    samples, kinds = spoiled(*documents(options.file, options.rows, options.seed), options.seed)
    values, refused = measured(samples, list(SPOILED_AS), options.proxy)
    options.out.mkdir(parents=True, exist_ok=True)
    print("| score | right | scored | median | refused | spoiled | scored | median | refused | AUC | 95 % |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for metric in SPOILED_AS:
        found = Picture.of(metric, kinds, values[metric], refused[metric])
        (options.out / f"{metric}.svg").write_text(drawn(found) + "\n", encoding="utf-8")
        cells = [
            f"{side.rows} {side.kind} | {len(side.values)} | {side.median} | {side.refused:.1%}"
            for side in (found.right, found.spoiled)
        ]
        print(f"| `{metric}` | {' | '.join(cells)} | {' | '.join(found.area)} |", flush=True)


def documents(path: Path, count: int, seed: int) -> tuple[list[Sample], list[str]]:
    """Rows of whole documents in random order, and the collection of each."""
    drawn_by, known = random.Random(seed), defaultdict(list)
    for row in (parse_row(one, MAX_BYTES) for one in lines_of(path)):
        meta = row.get("meta") or {}
        sample = sample_from_record(record_from_row(row, received_at=0.0))
        if len(sample.response.split()) in WORDS:
            collection = str(meta.get("collection", ""))
            known[collection, meta.get("focus", sample.record_id)].append((sample, collection))
    names = sorted(known)
    drawn_by.shuffle(names)
    rows = [pair for name in names for pair in known[name]][:count]
    drawn_by.shuffle(rows)
    return [sample for sample, _ in rows], [collection for _, collection in rows]


def spoiled(samples: Sequence[Sample], collections: Sequence[str], seed: int) -> tuple[list[Sample], list[str]]:
    """The rows with some of them spoiled and the copies behind them, and the kind of each."""
    drawn_by = random.Random(seed)
    mixed, is_wrong = exchanged(samples, collections, seed)
    kinds = [EXCHANGED if wrong else RIGHT for wrong in is_wrong]
    right = [number for number, kind in enumerate(kinds) if kind == RIGHT]
    drawn_by.shuffle(right)
    share = len(right) // EACH
    for kind, spoil, chosen in ((CUT, cut, right[:share]), (REPEATS, repeating, right[share : 2 * share])):
        for number in chosen:
            kinds[number] = kind
            mixed[number] = replace(mixed[number], response=spoil(mixed[number].response, drawn_by))
    copies = [near_copy(mixed[number], drawn_by) for number in right[2 * share : 3 * share]]
    return [*mixed, *copies], [*kinds, *[COPIES] * len(copies)]


def cut(answer: str, drawn_by: random.Random) -> str:
    """The first three to nine tenths of its words."""
    ends = [word.end() for word in re.finditer(r"\S+", answer)]
    return answer[: ends[int(drawn_by.uniform(0.3, 0.9) * len(ends)) - 1]]


def repeating(answer: str, _: random.Random) -> str:
    """Its last sentence comes three times more."""
    return " ".join([answer, *split_sentences(answer)[-1:] * 3])


def near_copy(sample: Sample, drawn_by: random.Random) -> Sample:
    """Asked in other words, and one word in twenty of the answer is left out."""
    said = " ".join(word for word in sample.response.split() if drawn_by.random() >= 0.05)
    return replace(
        sample,
        sample_id=f"{sample.sample_id}-copy",
        record_id=f"{sample.record_id}-copy",
        instruction=f"Please tell me: {sample.instruction}",
        response=said,
    )


def low_is_wrong(metric: str) -> bool:
    """Whether its check refuses low values."""
    check: Any = plugins("check")[metric].cls
    return bool(check.refuses == "low")


def bounds(metric: str) -> Mapping[float, str]:
    """Where the check refuses by its defaults, and on which side."""
    settings = plugins("check")[metric].settings()
    sides: Mapping[str, tuple[Callable[[float], float], str]] = {
        "min": (float, "below"),
        "max": (float, "above"),
        "max_similarity": (lambda similarity: 1.0 - similarity, "below"),
    }
    return {to(getattr(settings, key)): side for key, (to, side) in sides.items() if hasattr(settings, key)}


def drawn(picture: Picture) -> str:
    """The picture as a file of its own."""
    refused_at, about = bounds(picture.metric), SPOILED_AS[picture.metric][1]
    x = axis_of(picture, refused_at)
    bars = Histogram.of(picture.metric, x, [picture.right.values, picture.spoiled.values])
    base = TOP + HALF
    marks = [
        element("text", element("tspan", picture.metric, class_="strong"), f": {about}", x=16, y=24, class_="t"),
        text(RIGHT_EDGE, 24, f"AUC {picture.area[0]} ({picture.area[1]})", "t strong", "end"),
        *grid(bars, base),
        bars.side(picture.right.values, base, HALF, "right", "right"),
        bars.side(picture.spoiled.values, base, -HALF, picture.spoiled.kind, "spoiled"),
        line(LEFT, base, RIGHT_EDGE, base, "axis"),
        *(bound(x(at), at, side) for at, side in refused_at.items()),
        told(picture.right, TOP + 14, "right"),
        told(picture.spoiled, base + 18, "spoiled"),
    ]
    label = f"{picture.metric} of right and of {picture.spoiled.kind} answers, AUC {picture.area[0]}"
    return element(
        "svg", element("title", label), element("style", Markup(STYLE)),  # a constant of this file
        rect(0, 0, WIDTH, HEIGHT, "card", rx=8), *marks,
        xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {HEIGHT}", width=WIDTH, height=HEIGHT, role="img",
    )  # fmt: skip


def axis_of(picture: Picture, refused_at: Mapping[float, str]) -> Scale:
    """From the least to the greatest value, but for one in a hundred at each end, bounds included."""
    both = np.concatenate([picture.right.values, picture.spoiled.values])
    ends = [*(np.percentile(both, [1, 99]) if len(both) else (0.0, 1.0)), *refused_at]
    room = 0.04 * (max(ends) - min(ends))
    return Scale(float(min(ends) - room), float(max(ends) + room), LEFT, RIGHT_EDGE)


def grid(bars: Histogram, base: float) -> list[Markup]:
    """Lines at round values of the score, and at round shares of the rows on both sides."""
    bottom = base + HALF
    found = []
    for at in ticks(bars.x.low, bars.x.high, 8):
        where = bars.x(at)
        found += [line(where, TOP, where, bottom, "grid"), text(where, bottom + 20, f"{at:g}", "t", "middle")]
    for share in ticks(0, bars.peak, 2)[1:]:
        size = HALF * share / bars.peak
        for y in (base - size, base + size):
            found += [line(LEFT, y, RIGHT_EDGE, y, "grid"), text(LEFT - 6, y + 4, f"{share:.0%}", "t faint", "end")]
    words = f"{bars.measure}; height: share of the rows of a kind"
    return [*found, text((LEFT + RIGHT_EDGE) / 2, bottom + 42, words, "t faint", "middle")]


def bound(x: float, at: float, side: str) -> Markup:
    """A dashed line; its words stand on the side that is refused, where there is room."""
    to_the_left = x - LEFT > ROOM if side == "below" else RIGHT_EDGE - x < ROOM
    where, anchor = (x - 5, "end") if to_the_left else (x + 5, "start")
    words = text(where, TOP - 6, f"refused {side} {at:.2g}", "t faint", anchor)
    return join([line(x, TOP - 14, x, TOP + 2 * HALF, "bound"), words])


def told(side: Side, y: float, class_: str) -> Markup:
    """The numbers of a side, beside its bars."""
    without = side.rows - len(side.values)
    words = [f"median {side.median}", f"refused {side.refused:.1%}", f"no number: {without}" if without else ""]
    head = [rect(16, y - 10, 11, 11, f"fill {class_}", rx=3), text(33, y, f"{side.rows} {side.kind}", "t strong")]
    return join([*head, *(text(33, y + 18 * n, one, "t") for n, one in enumerate(words, 1) if one)])


if __name__ == "__main__":
    main()
