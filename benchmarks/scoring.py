"""Speed of scoring: IFD in batches beside the plain way, embeddings, and admission in batches beside one by one.

    python -m benchmarks.scoring [--proxy DIR] [--rows FILE.jsonl] [--samples 256] [--rounds 3] [--threads 1]
                                 [--dtype auto]

Without a proxy, a Qwen2 with random weights stands in (speed does not depend on what the weights say); without rows,
the simulated hospital writes them. Both ways of a pair run in one process, in turn, on the same samples and model; the
ratio is the median of the rounds'. The plain way is float32, one sequence at a time; FLOPs are 2 N per token fed,
beside the rate of a large matrix product in the same number type. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F

from benchmarks.matrix_rate import matrix_rate
from ccit.errors import InputError
from ccit.ingest.files import sample_from_line, samples_of
from ccit.models.bucketing import fit
from ccit.models.causal import CausalModel, load_causal
from ccit.models.embedders import SentenceTransformerEmbedder
from ccit.plugins import plugins
from ccit.ports.selection import Check, CheckContext, Formula, PolicyContext
from ccit.records import Position, Sample
from ccit.scoring.ifd import IfdScorer
from ccit.scoring.index import ExactIndex
from ccit.scoring.spaces import sample_text
from ccit.selection.admission import Admission, Selector
from ccit.selection.admitted import AdmittedSamples
from ccit.selection.checks.diversity import DiversityCheck
from ccit.selection.checks.ifd import IfdCheck
from ccit.selection.checks.length import LengthCheck
from ccit.selection.checks.novelty import NoveltyCheck
from ccit.simulation.stream import hospital_stream
from ccit.store.files import FileStore
from ccit.testing import random_model

MAX_BYTES = 1_000_000
IFD = IfdCheck.Settings(min=0.0, max=1e9)  # everything novel reaches the proxy


def timed(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def simulated(count: int, seed: int = 0) -> list[Sample]:
    samples: list[Sample] = []
    for message in hospital_stream(2 * count, seed):
        try:
            samples.append(sample_from_line(message.value, MAX_BYTES))
        except InputError:
            continue  # the stream has garbage in it on purpose
    return samples[:count]


@torch.no_grad()
def plain_ifd(proxy: CausalModel, samples: Sequence[Sample], window: int) -> None:
    """One sequence at a time, whole logits: what reference code does."""
    for sample in samples:
        prompt, answer = proxy.chat.prompt(sample.messages()), proxy.chat.answer(sample.response)
        kept, answered = fit(len(prompt), len(answer), window, window // 4)
        response = answer[:answered]
        for context in (prompt[len(prompt) - kept :], proxy.chat.anchor):
            ids = torch.tensor([context + response], device=proxy.device)
            logits = proxy.model(input_ids=ids).logits[0, -len(response) - 1 : -1].float()
            F.cross_entropy(logits, ids[0, -len(response) :]).item()


def reader(proxy: CausalModel, max_tokens: int, batch_tokens: int, formula: Formula = "perplexities") -> IfdScorer:
    folder = FileStore(Path(tempfile.mkdtemp()))
    return IfdScorer(proxy, "", folder, max_tokens, batch_tokens, formula=formula)


def ifd_rows(plain_proxy: CausalModel, proxy: CausalModel, samples: Sequence[Sample], rounds: int) -> list[str]:
    scorer = reader(proxy, IFD.max_tokens, IFD.batch_tokens)
    scorer.score(samples[:8])
    plain_ifd(plain_proxy, samples[:8], IFD.max_tokens)
    before = scorer.spent
    pairs, peaks = [], []
    for _ in range(rounds):
        pairs.append(
            (timed(lambda: plain_ifd(plain_proxy, samples, IFD.max_tokens)), timed(lambda: scorer.score(samples)))
        )
        peaks.append(matrix_rate(proxy.dtype, proxy.device))  # between the rounds: other work slows both alike
    tokens = (scorer.spent.tokens - before.tokens) / rounds
    flops = (scorer.spent.flops - before.flops) / rounds
    plain, batched = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(p / b for p, b in pairs)
    waste = 1 - scorer.spent.tokens / scorer.padded_tokens
    return [
        f"| IFD, one at a time, {_name(plain_proxy)} | {tokens / plain:,.0f} tokens/s | |",
        f"| IFD, in batches, {_name(proxy)} | {tokens / batched:,.0f} tokens/s | {ratio:.2f} times |",
        f"| of the matrix rate, {statistics.median(peaks) / 1e12:.2f} TFLOP/s | {flops / batched / 1e12:.2f} TFLOP/s | "
        f"{flops / batched / statistics.median(peaks):.0%} |",
        f"| padding in the batches | {waste:.1%} of the tokens | |",
    ]


def _name(proxy: CausalModel) -> str:
    return str(proxy.dtype).removeprefix("torch.")


def embedding_rows(samples: Sequence[Sample], embedder: SentenceTransformerEmbedder) -> list[str]:
    texts = list(dict.fromkeys(sample_text(s) for s in samples))
    before = embedder.spent.tokens
    seconds = timed(lambda: embedder.embed(texts))
    tokens = embedder.spent.tokens - before
    return [f"| embedding | {len(texts) / seconds:,.0f} texts/s, {tokens / seconds:,.0f} tokens/s | |"]


def admission_rows(proxy: CausalModel, samples: Sequence[Sample]) -> list[str]:
    def run(size: int) -> None:
        embedder = SentenceTransformerEmbedder(device=str(proxy.device))
        admitted = AdmittedSamples({"sample": ExactIndex(embedder.dimension)})
        context = CheckContext(embedder, admitted, partial(reader, proxy), len, lambda: "", seed=0)
        checks: dict[str, Check] = {
            "length": LengthCheck(LengthCheck.Settings(min=0), context),
            "novelty": NoveltyCheck(NoveltyCheck.Settings(space="sample"), context),
            "diversity": DiversityCheck(DiversityCheck.Settings(), context),
            "ifd": IfdCheck(IFD, context),
        }
        selector = Selector.of(plugins("policy")["thresholds"].settings(), PolicyContext(seed=0))
        admission = Admission(checks, selector, admitted, embedder)
        offset = 0
        for start in range(0, len(samples), size):
            decisions = admission.decide(samples[start : start + size])
            accepted = [d.sample.sample_id for d in decisions if d.accepted]
            admission.commit({i: Position(0, offset + n) for n, i in enumerate(accepted)})
            offset += len(accepted)

    single, batched = timed(lambda: run(1)), timed(lambda: run(128))
    return [
        f"| admission, one by one | {len(samples) / single:,.0f} samples/s | |",
        f"| admission, batches of 128 | {len(samples) / batched:,.0f} samples/s | {single / batched:.2f} times |",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--proxy", type=Path, help="folder of a causal language model")
    parser.add_argument("--rows", type=Path, help="JSONL instruction rows")
    parser.add_argument("--samples", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dtype", default="auto", help="of the batches; the plain way is always float32")
    options = parser.parse_args()
    samples = samples_of(options.rows, MAX_BYTES) if options.rows else simulated(options.samples)
    samples = samples[: options.samples]
    with tempfile.TemporaryDirectory() as folder:
        path = options.proxy or random_model(Path(folder) / "proxy", hidden=256, layers=4)
        proxy = load_causal(str(path), dtype=options.dtype, threads=options.threads)
        plain_proxy = load_causal(str(path), dtype="float32", threads=options.threads)
    print(f"{len(samples)} samples, {proxy.parameters:,} parameters, {proxy.device} {proxy.dtype}, ", end="")
    print(f"{options.threads} threads\n")
    print("| what | speed | ratio |\n|---|---|---|")
    embedder = SentenceTransformerEmbedder(device=str(proxy.device))
    for rows in (
        ifd_rows(plain_proxy, proxy, samples, options.rounds),
        embedding_rows(samples, embedder),
        admission_rows(proxy, samples),
    ):
        print("\n".join(rows), flush=True)


if __name__ == "__main__":
    main()
