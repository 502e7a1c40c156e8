"""Which check finds a wrong answer: real rows with a share of the answers exchanged within their group.

    python -m benchmarks.wrong_answers --data DIR [--sets medquad,meqsum,...] [--rows 600] [--proxy DIR] [--seed 0]

DIR holds `instructions/NAME.jsonl`. A quarter of the answers of each group (`meta.collection`, `meta.subject`, ...,
else all rows) go round among their questions. The rows then pass as `ccit assess --checks` has them pass: in batches of
64, each compared with all before its batch. For every metric: the share of rows that have a number, and the area under
the curve with which it tells exchanged answers from the others, with a 95 % interval (bootstrap over rows). Without
`--proxy` no language model reads them.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ccit.assembly.scoring import scoring
from ccit.config import Config, Models, Selection
from ccit.ingest.files import lines_of
from ccit.ingest.rows import parse_row, record_from_row, sample_from_record
from ccit.pipeline import admit
from ccit.plugins import plugins
from ccit.records import Position, Sample
from ccit.report.histogram import separation
from ccit.testing import random_model

SETS = "medquad,meqsum,pubmedqa,medmcqa,mts_dialog,zhongjing"
GROUPS = ("collection", "subject", "year", "section", "cate1")  # of `meta`, the first that is there
SHARE = 0.25
BATCH = 64
LOW_IS_WRONG = ("relevance", "attribution", "agreement")
METRICS = (*LOW_IS_WRONG, "ifd", "wrong_answer")

Numbers = npt.NDArray[np.float64]
Truth = npt.NDArray[np.bool_]


def main() -> None:
    """Print a table for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", default=SETS)
    parser.add_argument("--rows", type=int, default=600, help="of each set, drawn by the seed")
    parser.add_argument("--proxy", default="", help="folder of a causal language model; none without it")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("| set | rows | exchanged | metric | scored | AUC | 95 % | right refused | wrong refused |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in options.sets.split(","):
        samples, groups = read(options.data / "instructions" / f"{name}.jsonl", options.rows, options.seed)
        mixed, is_wrong = exchanged(samples, groups, options.seed)
        values, refused = measured(mixed, [kind for kind in METRICS if options.proxy or kind != "ifd"], options.proxy)
        for metric, found in values.items():
            told = ~np.isnan(found)
            row = [name, len(mixed), int(is_wrong.sum()), metric, f"{told.mean():.1%}"]
            signed = -found[told] if metric in LOW_IS_WRONG else found[told]
            row += area_with_interval(signed, is_wrong[told])
            row += [f"{refused[metric][is_wrong == wrong].mean():.1%}" for wrong in (False, True)]
            print("| " + " | ".join(map(str, row)) + " |", flush=True)


def read(path: Path, count: int, seed: int) -> tuple[list[Sample], list[str]]:
    """Rows of a file, drawn by the seed, and the group of each."""
    lines = list(lines_of(path))
    random.Random(seed).shuffle(lines)
    rows = [parse_row(line, 1 << 20) for line in lines[:count]]
    samples = [sample_from_record(record_from_row(row, received_at=0.0)) for row in rows]
    metas = [row.get("meta") or {} for row in rows]
    return samples, [str(next((meta[key] for key in GROUPS if key in meta), "")) for meta in metas]


def exchanged(samples: Sequence[Sample], groups: Sequence[str], seed: int) -> tuple[list[Sample], Truth]:
    """A share of each group's answers goes round; who has another answer than its own is wrong."""
    drawn, mixed = random.Random(seed), list(samples)
    for group in sorted(set(groups)):
        own = [number for number, other in enumerate(groups) if other == group]
        chosen = drawn.sample(own, int(SHARE * len(own)))
        for number, other in zip(chosen, [*chosen[1:], *chosen[:1]], strict=True):
            mixed[number] = replace(samples[number], response=samples[other].response)
    return mixed, np.array([new.response != old.response for new, old in zip(mixed, samples, strict=True)])


def measured(
    samples: Sequence[Sample], kinds: Sequence[str], proxy: str
) -> tuple[dict[str, Numbers], dict[str, Truth]]:
    """Of each check its own score per sample (NaN without one), and whether it refuses the sample by its defaults."""
    known = plugins("check")
    selection = Selection.model_construct(
        checks={kind: known[kind].settings() for kind in kinds}, policy=plugins("policy")["accept_all"].settings()
    )
    place = proxy or str(random_model(Path(tempfile.mkdtemp())))  # something has to be named; it is not read
    models = Models(proxy=place, proxy_revision="", deployed=place, deployed_revision="")
    parts = scoring(Config().model_copy(update={"selection": selection, "models": models}), all_scores=True)
    values: Mapping[str, list[float]] = {metric: [] for metric in kinds}
    refused: Mapping[str, list[bool]] = {metric: [] for metric in kinds}
    for begin, batch in batches(samples):
        decisions = admit(batch, parts.admission)
        parts.admission.commit({sample.sample_id: Position(0, begin + n) for n, sample in enumerate(batch)})
        for decision in decisions:
            own = {score.metric: score for score in decision.scores}
            for metric in kinds:
                value = own[metric].value
                values[metric].append(np.nan if value is None else value)
                refused[metric].append(parts.checks[metric].refuse(own[metric]) is not None)
    return {m: np.array(v) for m, v in values.items()}, {m: np.array(r) for m, r in refused.items()}


def batches(samples: Sequence[Sample]) -> Iterator[tuple[int, list[Sample]]]:
    """In order, each with the number of samples before it."""
    for begin in range(0, len(samples), BATCH):
        yield begin, list(samples[begin : begin + BATCH])


def area_with_interval(values: Numbers, is_wrong: Truth, draws: int = 1000) -> tuple[str, str]:
    """AUC of values that are high for a wrong row, and its 95 % interval, as text; `-` where nothing is scored."""
    area = separation(values[~is_wrong], values[is_wrong])
    if area is None:
        return "-", "-"
    rng = np.random.default_rng(0)
    picks = (rng.integers(0, len(values), len(values)) for _ in range(draws))
    found = [separation(values[own][~is_wrong[own]], values[own][is_wrong[own]]) for own in picks]
    low, high = np.quantile([one for one in found if one is not None], [0.025, 0.975])
    return f"{area:.3f}", f"{low:.3f} to {high:.3f}"


if __name__ == "__main__":
    main()
