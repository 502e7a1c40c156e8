from __future__ import annotations

import math
from collections import Counter

from ccit.ports.rounds import Draft, Past, SourceContext
from ccit.records import Decision, Score
from ccit.training.sources.replay_by_loss import ReplayByLoss
from tests.nouns import sample

HISTORY = [sample(number) for number in range(4)]


def decided(number: int, perplexity: float | None) -> Decision:
    return Decision(HISTORY[number], True, "accepted", (Score("ppl_conditional", perplexity, "ifd"),))


def first_picks(losses: dict[int, float | None], power: float = 1.0) -> Counter[str]:
    """Which sample comes first, over 2000 rounds."""
    past = Past({f"s{n}": decided(n, None if loss is None else math.exp(loss)) for n, loss in losses.items()})
    source = ReplayByLoss(ReplayByLoss.Settings(ratio=1.0, power=power), SourceContext(0, lambda _: []))
    drafts = [Draft(HISTORY[:1], HISTORY[: len(losses)], f"round {n}", past) for n in range(2000)]
    return Counter(source.pick(draft)[0].sample_id for draft in drafts)


def test_a_draw_is_in_proportion_to_the_loss() -> None:
    """Losses 1 and 3: a quarter and three quarters, within five standard deviations."""
    counts = first_picks({0: 1.0, 1: 3.0})
    assert abs(counts["s1"] - 1500) < 5 * math.sqrt(2000 * 0.25 * 0.75)


def test_what_is_not_known_has_the_median_and_the_power_0_draws_all_alike() -> None:
    counts = first_picks({0: 1.0, 1: 3.0, 2: 2.0, 3: None})
    assert abs(counts["s3"] - 500) < 5 * math.sqrt(2000 * 0.25 * 0.75)
    even = first_picks({0: 1.0, 1: 9.0}, power=0.0)
    assert abs(even["s0"] - 1000) < 5 * math.sqrt(2000 * 0.25)


def test_what_is_certain_comes_last() -> None:
    assert first_picks({0: 0.0, 1: 0.5})["s0"] == 0
