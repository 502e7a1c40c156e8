"""Four times the requests that the server can answer, for a minute: who is refused, and how long the others wait.

    python -m benchmarks.overload [--hidden 128] [--layers 4] [--times 4] [--seconds 60] [--seed 0]

What it can answer is measured first, with 32 clients that ask again as soon as they are answered. Then requests come at
random moments (Poisson), at that rate times `--times`, whether or not earlier ones have been answered; nobody asks
again. Server, model and client are those of `benchmarks.serving`, with the server's own limits. Prints Markdown.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

import openai

from benchmarks.serving import PROMPTS, Answered, adapters, ask, clients_process, serving, talkative_model
from benchmarks.stepping import percentile
from ccit.config import Serving

TOKENS = 128  # of an answer; short ones would cost the clients, who share the machine, as much as the server
REFUSED = ("429", "503")


def arriving(url: str, rate: float, seconds: float, seed: int) -> list[Answered]:
    """In a process of its own: requests at random moments, so many a second on average."""

    async def all_of_them() -> list[Answered]:
        draws, due, asking = random.Random(seed), time.monotonic(), list[asyncio.Task[Answered]]()
        end = due + seconds
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=120) as client:
            while (due := due + draws.expovariate(rate)) < end:
                await asyncio.sleep(due - time.monotonic())
                asking.append(asyncio.create_task(ask(client, len(asking) % len(PROMPTS), TOKENS)))
            return await asyncio.gather(*asking)

    return asyncio.run(all_of_them())


def rate_of(answers: Sequence[Answered]) -> float:
    """Requests answered a second, from the first question to the last answer."""
    return len(answers) / (max(a.ended for a in answers) - min(a.began for a in answers))


def first_tokens(answers: Sequence[Answered]) -> str:
    """Seconds from question to first token: p50, p99 and longest."""
    waits = [a.first - a.began for a in answers if not a.failure]
    return f"{percentile(waits, 0.5):.2f} | {percentile(waits, 0.99):.2f} | {max(waits, default=float('nan')):.2f}"


def report(before: Sequence[Answered], found: Sequence[Answered], after: Sequence[Answered], seconds: float) -> None:
    answered = [a for a in found if not a.failure]
    refused = [a for a in found if a.failure in REFUSED]
    others = Counter(a.failure for a in found if a.failure and a.failure not in REFUSED)
    statuses = ", ".join(
        f"{count} with {status}" for status, count in sorted(Counter(a.failure for a in refused).items())
    )
    print(
        f"{len(found)} requests in {seconds:.0f} s, {len(found) / seconds:.1f} a second, where {rate_of(before):.1f} "
        f"can be answered: {len(answered)} answered whole ({rate_of(answered):.1f} a second), {len(refused)} refused "
        f"({statuses or 'none'}), {sum(not a.retry_after for a in refused)} of them without Retry-After, "
        f"{others.total()} failed otherwise {dict(others) or ''}. A refusal takes "
        f"{1e3 * percentile([a.ended - a.began for a in refused], 0.5):.0f} ms, at p99 "
        f"{1e3 * percentile([a.ended - a.began for a in refused], 0.99):.0f}.\n"
    )
    print("| first token of answered requests, s | p50 | p99 | longest |\n|---|---|---|---|")
    print(f"| 32 clients, before | {first_tokens(before)} |")
    began, quarter = min(a.began for a in found), seconds / 4
    for number in range(4):
        part = [a for a in answered if number * quarter <= a.began - began < (number + 1) * quarter]
        print(f"| asked in quarter {number + 1} of the load | {first_tokens(part)} |")
    print(f"| 1 client, after | {first_tokens(after)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--times", type=float, default=4.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    limits = Serving()
    base = talkative_model(options.hidden, options.layers)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool, serving(base) as (slots, url):
        slots.load(1, adapters(base)[0])
        slots.activate(1)
        pool.submit(clients_process, url, 4, 8).result()
        before = pool.submit(clients_process, url, limits.concurrency, 256, TOKENS).result()
        rate = options.times * rate_of(before)
        found = pool.submit(arriving, url, rate, options.seconds, options.seed).result()
        after = pool.submit(clients_process, url, 1, 16, TOKENS).result()
    print(
        f"At most {limits.concurrency} answers at once and {limits.queue} requests in line, none for longer than "
        f"{limits.queue_seconds:.0f} s: a full line of them is {limits.queue / rate_of(before):.1f} s long.\n"
    )
    report(before, found, after, options.seconds)


if __name__ == "__main__":
    main()
