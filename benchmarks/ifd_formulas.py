"""Which ratio tells exchanged answers from right ones best: the formulas of IFD over the same losses, on real rows.

    python -m benchmarks.ifd_formulas --data DIR --proxy DIR [--sets medquad,medmcqa,pubmedqa] [--rows 240] [--seed 1]

A quarter of the answers of each group go round among their questions, as in `benchmarks/wrong_answers.py`. Beside the
formulas of `[selection.checks.ifd]` stand those of T-SHIRT (arXiv 2506.01317): the perplexities over the tokens that
the question changes most, a half or a tenth of those of the set. For each the area under the curve, its difference from
`perplexities` with a 95 % interval (bootstrap over rows, paired), and the shares from 1 on. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import numpy as np
import torch

from benchmarks.wrong_answers import Numbers, Truth, exchanged, read
from ccit.models.causal import CausalModel, load_causal
from ccit.models.encoding import Encoded
from ccit.models.likelihood import Failure, Likelihood, Nats
from ccit.ports.selection import Formula
from ccit.records import Sample
from ccit.report.histogram import separation
from ccit.scoring.ifd import ifd_of

WINDOW, BATCH_TOKENS, DRAWS = 512, 8192, 1000
SHARES = (0.5, 0.1)  # of a set's tokens, those that the question changes most
Losses = tuple[Nats, Nats]  # of a response's tokens: after its prompt, and after the anchor


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="has instructions/NAME.jsonl")
    parser.add_argument("--proxy", required=True, help="folder of a causal language model")
    parser.add_argument("--sets", default="medquad,medmcqa,pubmedqa")
    parser.add_argument("--rows", type=int, default=240, help="of each set; those longer than the window are left out")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    causal = load_causal(options.proxy)
    print("| set | right | exchanged | formula | AUC | against `perplexities` | median, right (5 to 95 %) | median, "
          "exchanged | right from 1 on | exchanged from 1 on |\n|---|---|---|---|---|---|---|---|---|---|")  # fmt: skip
    for name in options.sets.split(","):
        path = options.data / "instructions" / f"{name}.jsonl"
        samples, is_wrong = exchanged(*read(path, options.rows, options.seed), options.seed)
        losses = losses_of(causal, samples)
        fits = np.array([one is not None for one in losses])
        for line in lines(formulas([one for one in losses if one is not None]), is_wrong[fits]):
            print(f"| {name} {line}", flush=True)


def losses_of(causal: CausalModel, samples: Sequence[Sample]) -> list[Losses | None]:
    """Of each sample; None for one that the window does not hold."""
    rows, chat = [], causal.chat
    for sample in samples:
        response = chat.answer(sample.response)
        rows += [
            Encoded((*context, *response), len(context)) for context in (chat.prompt(sample.messages()), chat.anchor)
        ]
    fits = [len(row.ids) <= WINDOW for row in rows[::2] for _ in range(2)]
    found = iter(Likelihood(causal, BATCH_TOKENS).losses([row for row, own in zip(rows, fits, strict=True) if own]))
    pairs = [(next(found), next(found)) if own else None for own in fits[::2]]
    return [None if pair is None else _known(*pair) for pair in pairs]


def _known(conditional: Nats | Failure, direct: Nats | Failure) -> Losses | None:
    return None if isinstance(conditional, Failure) or isinstance(direct, Failure) else (conditional, direct)


def formulas(losses: Sequence[Losses]) -> dict[str, Numbers]:
    """Formula -> its value for each response."""
    found = {name: np.array([ifd_of(name, *own) for own in losses]) for name in get_args(Formula)}
    changes = [conditional - direct for conditional, direct in losses]
    everything = np.abs(np.concatenate(changes))
    for share in SHARES:
        least = np.quantile(everything, 1 - share)
        chosen = [own[np.abs(own) >= least] for own in changes]
        found[f"T-SHIRT, {share:.0%}"] = np.array([np.exp(own.mean()) if len(own) else 1.0 for own in chosen])
    return found


def lines(found: Mapping[str, Numbers], is_wrong: Truth) -> list[str]:
    """The cells of each formula, behind the set's name."""
    told, plain = [], found["perplexities"]
    for name, values in found.items():
        right, wrong = values[~is_wrong], values[is_wrong]
        low, middle, high = np.quantile(right, [0.05, 0.5, 0.95])
        cells = [len(right), len(wrong), f"`{name}`" if name in get_args(Formula) else name]
        cells += [f"{separation(right, wrong):.3f}", "" if name == "perplexities" else gained(values, plain, is_wrong)]
        cells += [f"{middle:.3f} ({low:.3f} to {high:.3f})", f"{np.median(wrong):.3f}"]
        cells += [f"{np.mean(right >= 1):.1%}", f"{np.mean(wrong >= 1):.1%}"]
        told.append(f"| {' | '.join(map(str, cells))} |")
    return told


def gained(values: Numbers, plain: Numbers, is_wrong: Truth) -> str:
    """By how much its AUC is above that of the plain one, with the interval."""

    def gain(rows: np.ndarray) -> float:
        wrong = is_wrong[rows]
        areas = [separation(own[rows][~wrong], own[rows][wrong]) for own in (values, plain)]
        return float("nan") if None in areas else float(areas[0] or 0.0) - float(areas[1] or 0.0)

    rng = np.random.default_rng(0)
    draws = [gain(rng.integers(0, len(plain), len(plain))) for _ in range(DRAWS)]
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return f"{gain(np.arange(len(plain))):+.3f} ({low:+.3f} to {high:+.3f})"


if __name__ == "__main__":
    main()
