import pytest
import torch

from ccit.models.cached_prompts import CachedPrompts
from ccit.models.causal import CausalModel, load_causal
from ccit.models.decoding import decode, likeliest
from ccit.testing import random_model

PROMPTS = [[5, 6, 7], [9, 8, 7, 6, 5, 4], [3, 3]]


@pytest.fixture(scope="module")
def causal(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return load_causal(str(random_model(tmp_path_factory.mktemp("model") / "base")), device="cpu", threads=1)


def steps(run: CachedPrompts, limit: int = 6) -> list[dict[int, int | None]]:
    return list(decode(run, likeliest, limit))


def test_a_batch_goes_on_as_each_prompt_alone(causal: CausalModel) -> None:
    together = steps(CachedPrompts(causal, PROMPTS))
    for prompt, ids in enumerate(PROMPTS):
        alone = steps(CachedPrompts(causal, [ids]))
        assert [step[prompt] for step in together if prompt in step] == [step[0] for step in alone]


def test_a_row_without_finite_logits_ends_and_the_others_go_on(causal: CausalModel) -> None:
    sound, broken = (CachedPrompts(causal, PROMPTS) for _ in range(2))
    broken.logits_BV = broken.logits_BV.clone()
    broken.logits_BV[1, 0] = float("nan")
    expected, found = steps(sound), steps(broken)
    assert found[0] == expected[0] | {1: None}
    assert all(1 not in step for step in found[1:])
    assert [{p: step[p] for p in (0, 2) if p in step} for step in found] == [
        {p: step[p] for p in (0, 2) if p in step} for step in expected[: len(found)]
    ]


def test_the_last_step_is_not_followed_by_a_pass_that_nobody_reads(causal: CausalModel) -> None:
    run = CachedPrompts(causal, PROMPTS[:1])
    assert len(steps(run, limit=3)) == 3
    assert run.tokens == len(PROMPTS[0]) + 2


def test_a_caller_is_not_left_in_inference_mode(causal: CausalModel) -> None:
    for _ in decode(CachedPrompts(causal, PROMPTS[:1]), likeliest, 2):
        assert not torch.is_inference_mode_enabled()
