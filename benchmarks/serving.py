"""The server under load, and while versions change: throughput, failures, latencies.

    python -m benchmarks.serving [--hidden 128] [--layers 4] [--requests 3000] [--swaps 100]

Clients are the openai package with retries off, in a process of their own; the server, a Qwen2 with random weights and
LoRA adapters of rank 16 is in this one. Prints Markdown. What that server holds after many versions, and what it does
with more requests than it can answer, is in `benchmarks.swap_memory` and `benchmarks.overload`.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai
import torch

from benchmarks.stepping import ROWS, MixedVersions, PassTimes, generate, percentile
from ccit.config import Serving
from ccit.models.causal import CausalModel, adapter_files, load_causal, trainable, with_adapter
from ccit.ports.serving import BackendContext
from ccit.serving.app import create_app
from ccit.serving.backends.embedded import EmbeddedBackend
from ccit.serving.engine import Engine
from ccit.serving.readiness import Readiness
from ccit.serving.server import Server
from ccit.serving.slots import Slots
from ccit.testing import random_model

TOKENS = 32
PROMPTS = [f"Ward {number}: which dose of drug {number * 7} is given, and how often a day?" for number in range(8)]
NEAR_S = 5.0  # an answer within this of a swap counts as near to it
VERSIONS = 6


@dataclass(frozen=True)
class Answered:
    """One request, seen by its client; times in seconds of `time.time`."""

    prompt: int
    began: float
    first: float
    ended: float
    tokens: int
    models: tuple[str, ...]
    text: str
    failure: str = ""
    retry_after: str = ""

    @property
    def per_token(self) -> float:
        return (self.ended - self.first) / max(self.tokens - 1, 1)


async def ask(client: openai.AsyncOpenAI, prompt: int, tokens: int = TOKENS, model: str = "ccit") -> Answered:
    began, first, texts, models, whole = time.time(), 0.0, list[str](), set[str](), False
    message: Any = {"role": "user", "content": PROMPTS[prompt]}
    try:
        stream: Any = await client.chat.completions.create(
            model=model, messages=[message], max_tokens=tokens, temperature=0, stream=True
        )
        async for chunk in stream:
            models.add(chunk.model)
            tokens = chunk.usage.completion_tokens if chunk.usage else tokens
            if chunk.choices and chunk.choices[0].delta.content:
                first = first or time.time()
                texts.append(chunk.choices[0].delta.content)
            whole = whole or bool(chunk.choices and chunk.choices[0].finish_reason)
    except openai.APIStatusError as error:
        wait = error.response.headers.get("retry-after", "")
        return Answered(prompt, began, began, time.time(), 0, (), "", str(error.status_code), wait)
    except (openai.OpenAIError, httpx.HTTPError) as error:
        return Answered(prompt, began, began, time.time(), 0, (), "", repr(error))
    failure = "" if whole else "broken off"
    return Answered(prompt, began, first or time.time(), time.time(), tokens, tuple(models), "".join(texts), failure)


async def load(url: str, clients: int, requests: int, tokens: int = TOKENS, model: str = "ccit") -> list[Answered]:
    numbers, answers = iter(range(requests)), list[Answered]()

    async def one() -> None:
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=120) as client:
            answers.extend([await ask(client, number % len(PROMPTS), tokens, model) for number in numbers])

    await asyncio.gather(*(one() for _ in range(clients)))
    return answers


def clients_process(url: str, clients: int, requests: int, tokens: int = TOKENS, model: str = "ccit") -> list[Answered]:
    return asyncio.run(load(url, clients, requests, tokens, model))


def talkative_model(hidden: int, layers: int) -> CausalModel:
    """Random weights, in float32 on one thread; its greedy answers go on to the limit."""
    with tempfile.TemporaryDirectory() as folder:
        model = random_model(Path(folder), hidden, layers)
        base = load_causal(str(model), device="cpu", dtype="float32", threads=1)
    with torch.no_grad():
        base.model.get_input_embeddings().weight[-3:] = 0  # the logit of special tokens
    return base


@contextmanager
def serving(base: CausalModel, cache_mib: int = 1024) -> Iterator[tuple[Slots, str]]:
    settings = Serving(port=0)
    backend = EmbeddedBackend(EmbeddedBackend.Settings(cache_mib=cache_mib), BackendContext(lambda: base))
    slots = Slots(backend, "ccit")
    engine = Engine(slots, settings.concurrency, settings.queue, settings.queue_seconds)
    with Server(create_app(engine, Readiness(), settings), settings) as server:
        yield slots, server.url


def adapters(base: CausalModel) -> list[dict[str, bytes]]:
    found = []
    for seed in range(VERSIONS):
        view = trainable(base, 16, 32, 0.0, "all-linear", seed)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, weight in view.model.named_parameters():
                if "lora_B" in name:
                    weight.normal_(std=0.05, generator=generator)
        found.append(adapter_files(view))
    return found


def one_at_a_time(base: CausalModel, files: dict[str, bytes], requests: int) -> float:
    """Tokens per second of transformers' generate over the same version, one prompt after the other."""
    view = with_adapter(base, files)
    prompts = [base.chat.prompt([{"role": "user", "content": text}]) for text in PROMPTS]
    began = time.perf_counter()
    for number in range(requests):
        generate(view, prompts[number % len(prompts)], TOKENS)
    return requests * TOKENS / (time.perf_counter() - began)


def throughput(base: CausalModel, files: dict[str, bytes], pool: ProcessPoolExecutor) -> None:
    alone = one_at_a_time(base, files, 32)
    print(f"| clients | tokens/s | times one-at-a-time generate ({alone:.0f} tokens/s) |\n|---|---|---|")
    with serving(base) as (slots, url):
        slots.load(1, files)
        slots.activate(1)
        pool.submit(clients_process, url, 4, 8).result()
        for clients, requests in ((1, 32), (8, 256), (32, 512)):
            answers = pool.submit(clients_process, url, clients, requests).result()
            seconds = max(a.ended for a in answers) - min(a.began for a in answers)
            rate = sum(a.tokens for a in answers) / seconds
            print(f"| {clients} | {rate:.0f} | {rate / alone:.1f} |", flush=True)


def mixed_batch(base: CausalModel, files: Sequence[dict[str, bytes]]) -> None:
    lone, both = MixedVersions(base, files).seconds()
    print(
        f"\nA step of {ROWS} rows: {1e3 * lone:.2f} ms with one version, {1e3 * both:.2f} ms with two: "
        f"{both / lone - 1:+.0%}.\n"
    )


def swaps(
    base: CausalModel, files: Sequence[dict[str, bytes]], pool: ProcessPoolExecutor, requests: int, count: int
) -> None:
    steps, times, loads, rollbacks = PassTimes(), list[float](), list[tuple[float, float]](), list[float]()
    flips: list[tuple[float, int]] = []  # when a version was announced, its number
    with serving(base) as (slots, url):
        slots.load(1, files[0])
        slots.activate(1)
        running = pool.submit(clients_process, url, 8, requests)
        number = 1
        steady = threading.Event()
        steady.wait(2 * NEAR_S)  # a steady stretch to compare with, at the beginning
        while not running.done() and len(times) < count:
            number += 1
            began = time.time()
            slots.load(number, files[number % VERSIONS])
            slots.activate(number)
            loads.append((began, time.time()))
            times.append(began)
            flips.append((began, number))
            steady.wait(0.1)
            began = time.time()
            slots.activate(number - 1)
            rollbacks.append(time.time() - began)
            slots.activate(number)
            times.append(began)
            steady.wait(0.1)
        answers = running.result()
    steps.end()
    report(answers, times, loads, rollbacks, flips, [(when, taken) for when, taken, _ in steps.seen])


def report(
    answers: Sequence[Answered],
    times: Sequence[float],
    loads: Sequence[tuple[float, float]],
    rollbacks: Sequence[float],
    flips: Sequence[tuple[float, int]],
    steps: Sequence[tuple[float, float]],
) -> None:
    texts: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    failed = [a for a in answers if a.failure]
    for a in answers:
        if not a.failure:
            texts[a.models[0], a.prompt].add(a.text)
    mixed = sum(len(a.models) != 1 for a in answers if not a.failure) + sum(len(t) > 1 for t in texts.values())

    def near(a: Answered) -> bool:
        return any(a.began - NEAR_S <= when <= a.ended + NEAR_S for when in times)

    sound = [a for a in answers if not a.failure]
    calm, close = [a for a in sound if not near(a)], [a for a in sound if near(a)]
    calm_steps = [s for when, s in steps if not any(abs(when - swap) < NEAR_S for swap in times)]
    load_steps = [s for when, s in steps if any(begin <= when <= end for begin, end in loads)]
    firsts = []
    for when, number in flips:
        seen = [a.first for a in sound if a.models[0] == f"ccit@{number}" and a.began >= when]
        firsts.extend([min(seen) - when] if seen else [])
    print(f"\n{len(answers)} requests, {len(times)} swaps and rollbacks: {len(failed)} failed, {mixed} mixed.\n")
    print("| what | p50, ms | p99, ms | p99 steady, ms | ratio |\n|---|---|---|---|---|")
    for name, found, base in (
        ("first token near a swap", [a.first - a.began for a in close], [a.first - a.began for a in calm]),
        ("time per token near a swap", [a.per_token for a in close], [a.per_token for a in calm]),
        ("step during a load", load_steps, calm_steps),
    ):
        steady = percentile(base, 0.99)
        worst = percentile(found, 0.99 if "step" not in name else 1.0)
        middle = percentile(found, 0.5)
        print(f"| {name} | {1e3 * middle:.1f} | {1e3 * worst:.1f} | {1e3 * steady:.1f} | {worst / steady:.2f} |")
    for name, values in (("announcement to first token", firsts), ("rollback to a resident version", rollbacks)):
        print(f"| {name} | {1e3 * percentile(values, 0.5):.2f} | {1e3 * percentile(values, 0.99):.2f} | | |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--requests", type=int, default=3000)
    parser.add_argument("--swaps", type=int, default=100, help="versions loaded and rolled back under load, in all")
    options = parser.parse_args()
    base = talkative_model(options.hidden, options.layers)
    files = adapters(base)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        mixed_batch(base, files)
        throughput(base, files[0], pool)
        swaps(base, files, pool, options.requests, options.swaps)


if __name__ == "__main__":
    main()
