"""The embedded server's engine: tokens a second of its streams (without HTTP), mixed versions, steps during loads."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from itertools import pairwise

from benchmarks.gpu.measuring import Part, PartOptions, profiled, run_part, seconds
from benchmarks.gpu.shapes import Shape, adapter, shape_of
from benchmarks.stepping import ROWS, MixedVersions, PassTimes, generate, percentile
from ccit.models.causal import CausalModel, with_adapter
from ccit.ports.serving import BackendContext, Sampling
from ccit.serving.backends.embedded import EmbeddedBackend

_PROMPT, _TOKENS = 48, 128


def prompt(number: int) -> list[int]:
    return [(7 * number + place * place) % 250 for place in range(_PROMPT)]


FIRST: list[float] = []  # seconds to the first token of each request


async def ask(backend: EmbeddedBackend, version: int, number: int, temperature: float, tokens: int) -> int:
    count, began = 0, time.perf_counter()
    sampling = Sampling(max_tokens=tokens, temperature=temperature, top_p=0.95, seed=number)
    async for delta in backend.stream(version, prompt(number), sampling):
        if not count:
            FIRST.append(time.perf_counter() - began)
        count = delta.tokens
    return count


def rate(
    backend: EmbeddedBackend, versions: list[int], requests: int, *, temperature: float = 0.0, tokens: int = _TOKENS
) -> float:
    """Tokens a second of so many requests at once, each over the next version."""

    async def all_of_them() -> int:
        asked = (ask(backend, versions[n % len(versions)], n, temperature, tokens) for n in range(requests))
        return sum(await asyncio.gather(*asked))

    for _ in range(2):  # shapes are recorded, libraries warm up; prompts that are known from then on have other shapes
        asyncio.run(all_of_them())
    FIRST.clear()
    began = time.perf_counter()
    made = asyncio.run(all_of_them())
    return made / (time.perf_counter() - began)


def one_at_a_time(causal: CausalModel, device: str) -> float:
    """Tokens a second of transformers' generate, one prompt after the other."""
    generate(causal, prompt(0), 8)
    return _TOKENS / seconds(lambda: generate(causal, prompt(0), _TOKENS), device, warm=0)


def mixed(part: Part, asked: PartOptions, shape: Shape, files: list[dict[str, bytes]]) -> None:
    """Steps with one version and with two, in turns."""
    versions = MixedVersions(shape.causal, files)
    lone, both = versions.seconds(turns=3)
    part.line(f"a step of {ROWS} rows, one version", 1e3 * lone, "ms")
    part.line("two versions in a batch against one", 100 * (both / lone - 1), "%", "15")
    versions.join(2)
    versions.step()
    part.line(f"a profile of one step of {ROWS} rows", 0, "", "", **profiled(versions.step, "serving", asked))


def loads(part: Part, backend: EmbeddedBackend, files: list[dict[str, bytes]]) -> None:
    """Steps of eight streams while versions load beside them, and without."""
    steps, during, stop = PassTimes(), list[tuple[float, float]](), threading.Event()

    def keep_loading() -> None:
        time.sleep(1.0)
        for number in range(100, 108):
            began = time.time()
            backend.load(number, files[number % 2])
            during.append((began, time.time()))
            time.sleep(0.2)
            backend.unload(number)
        stop.set()

    thread = threading.Thread(target=keep_loading)

    async def streams() -> None:
        async def one(number: int) -> None:
            while not stop.is_set():
                await ask(backend, 1, number, 0.0, 64)

        await asyncio.gather(*(one(number) for number in range(8)))

    thread.start()
    asyncio.run(streams())
    thread.join()
    steps.end()
    decoding = [(when, taken) for when, taken, size in steps.seen if size == 1]
    gaps = [(when, when - before) for (before, _), (when, _) in pairwise(decoding)]
    inside = [taken for when, taken in gaps if any(b <= when <= e for b, e in during)]
    calm = [taken for when, taken in gaps if not any(b - 0.05 <= when <= e + 0.05 for b, e in during)]
    part.line("a load, seconds", statistics.median(e - b for b, e in during), "s")
    part.line("from step to step, steady p50", 1e3 * percentile(calm, 0.5), "ms")
    part.line("from step to step, steady p99", 1e3 * percentile(calm, 0.99), "ms")
    part.line("from step to step during loads, p99", 1e3 * percentile(inside, 0.99), "ms")
    part.line("longest during loads against steady p99", max(inside) / percentile(calm, 0.99), "times", "1.5")


def measure(part: Part, asked: PartOptions) -> None:
    shape = shape_of("0.5B", asked.device)
    files = [adapter(shape, seed) for seed in (1, 2)]
    backend = EmbeddedBackend(EmbeddedBackend.Settings(), BackendContext(lambda: shape.causal))
    alone: list[float] = []

    def baseline() -> None:
        alone.append(one_at_a_time(shape.causal, asked.device))
        part.line("generate, one at a time, without an adapter", alone[0], "tokens/s")
        adapted = one_at_a_time(with_adapter(shape.causal, files[0]), asked.device)
        part.line("generate, one at a time, with an adapter", adapted, "tokens/s")

    def versions() -> None:
        for number, one in enumerate(files, start=1):
            began = time.perf_counter()
            backend.load(number, one)
            part.line(f"loading version {number}", time.perf_counter() - began, "s")

    def streams() -> None:
        for count, bar in ((1, "150"), (8, ""), (32, "3000")):
            found = rate(backend, [1], count)
            ratio = round(found / alone[0], 1) if alone else None
            first_ms = round(1e3 * percentile(FIRST, 0.5), 1)
            part.line(
                f"{count} streams, one version", found, "tokens/s", bar, times_generate=ratio, first_token_ms=first_ms
            )
        part.line("32 streams, two versions", rate(backend, [1, 2], 32), "tokens/s")

    def sampled() -> None:
        found = rate(backend, [1], 8, temperature=0.8, tokens=16)
        part.line("8 streams, temperature 0.8, top_p 0.95", found, "tokens/s")

    def two_versions() -> None:
        mixed(part, asked, shape, files)

    def while_loading() -> None:
        loads(part, backend, files)

    for work in (versions, baseline, streams, two_versions, while_loading, sampled):
        part.attempt(work)


if __name__ == "__main__":
    run_part("serving", measure)
