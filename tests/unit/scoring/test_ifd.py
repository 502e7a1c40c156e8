from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from ccit.errors import ArtifactDamaged, CcitError, ModelUnusable
from ccit.models.bases import Role
from ccit.models.causal import CausalModel, adapter_files, load_causal, trainable
from ccit.models.chat import ChatFormat
from ccit.models.likelihood import Likelihood
from ccit.records import AdapterPair, Artifact, Sample, Score, Turn, Version
from ccit.scoring.ifd import IfdScorer
from ccit.store.files import FileStore
from ccit.testing import random_model


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return load_causal(str(random_model(tmp_path_factory.mktemp("proxy"))), device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def models(proxy: CausalModel, tmp_path_factory: pytest.TempPathFactory) -> dict[str, CausalModel]:
    """The same weights in both types of number."""
    folder = random_model(tmp_path_factory.mktemp("proxy"))
    return {"float32": proxy, "bfloat16": load_causal(str(folder), device="cpu", dtype="bfloat16")}


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "store")


def scorer(proxy: CausalModel, store: FileStore, max_tokens: int = 512, batch_tokens: int = 1024) -> IfdScorer:
    return IfdScorer(proxy, "r1", store, max_tokens, batch_tokens)


def of(instruction: str, response: str, history: tuple[Turn, ...] = ()) -> Sample:
    return Sample("s", "r", "ward", "en", instruction, response, history)


def plain_loss(proxy: CausalModel, context: list[int], response: list[int]) -> float:
    """The textbook way: whole logits, float64 softmax, one sequence at a time."""
    with torch.no_grad():
        logits = proxy.model(input_ids=torch.tensor([context + response])).logits[0].double()
    losses = torch.nn.functional.cross_entropy(logits[len(context) - 1 : -1], torch.tensor(response), reduction="none")
    return float(losses.mean())


def values(scores: tuple[Score, ...]) -> dict[str, float]:
    return {s.metric: s.value for s in scores if s.value is not None}


def test_batched_scores_are_those_of_the_plain_way(proxy: CausalModel, store: FileStore) -> None:
    samples = [of("How much " * n, "Take " * m) for n, m in [(1, 1), (9, 3), (2, 40), (30, 1), (5, 7), (1, 60)]]
    anchor = proxy.chat.anchor
    for sample, scores in zip(samples, scorer(proxy, store).score(samples), strict=True):
        prompt = proxy.chat.prompt(sample.messages())
        response = proxy.tokenizer(sample.response)["input_ids"]
        conditional, direct = plain_loss(proxy, prompt, response), plain_loss(proxy, anchor, response)
        assert values(scores) == pytest.approx(
            {
                "ifd": math.exp(conditional - direct),
                "ppl_conditional": math.exp(conditional),
                "ppl_direct": math.exp(direct),
            },
            rel=1e-4,
        )


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("bfloat16", 2e-2)])
@given(lengths=st.lists(st.tuples(st.integers(0, 150), st.integers(1, 150)), min_size=1, max_size=12))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_score_is_that_of_one_sequence_at_a_time(
    models: dict[str, CausalModel], store: FileStore, dtype: str, tolerance: float, lengths: list[tuple[int, int]]
) -> None:
    """Whatever its batch; and its stamp says in which type of number."""
    proxy = models[dtype]
    samples = [of("Why so? " * (n // 8) + "x" * (n % 8), "Take " * (m // 5) + "y" * (m % 5)) for n, m in lengths]
    for sample, scores in zip(samples, scorer(proxy, store).score(samples), strict=True):
        assert f" {dtype} " in scores[0].scorer
        response = proxy.chat.answer(sample.response)
        conditional = plain_loss(proxy, proxy.chat.prompt(sample.messages()), response)
        assert values(scores)["ifd"] == pytest.approx(
            math.exp(conditional - plain_loss(proxy, proxy.chat.anchor, response)), rel=tolerance
        )


@given(lengths=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40)), min_size=1, max_size=6))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_ratio_of_losses_is_that_of_the_logarithms_and_on_the_same_side_of_one(
    proxy: CausalModel, store: FileStore, lengths: list[tuple[int, int]]
) -> None:
    samples = [of("Why? " * n, "Take " * m) for n, m in lengths]
    losses = IfdScorer(proxy, "r1", store, 512, 1024, formula="losses")
    for plain, other in zip(scorer(proxy, store).score(samples), losses.score(samples), strict=True):
        found, expected = values(other), values(plain)
        ratio = math.log(expected["ppl_conditional"]) / math.log(expected["ppl_direct"])
        assert found["ifd"] == pytest.approx(ratio, rel=1e-4)
        assert (found["ifd"] < 1) == (expected["ifd"] < 1) or found["ifd"] == pytest.approx(1, abs=1e-5)
        assert found["ppl_conditional"] == pytest.approx(expected["ppl_conditional"], rel=1e-4)
        assert (" ppl-ratio " in plain[0].scorer, " loss-ratio " in other[0].scorer) == (True, True)


def test_a_ratio_to_a_loss_of_nothing_is_unscored(
    proxy: CausalModel, store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Likelihood, "losses", lambda *_: [np.array([0.5]), np.array([0.0])])
    (scores,) = IfdScorer(proxy, "r1", store, 512, 1024, formula="losses").score([of("Why?", "Rest.")])
    assert [score.value for score in scores] == [None] * 3
    assert "not finite" in scores[0].unscored


def weighted(proxy: CausalModel, store: FileStore, monkeypatch: pytest.MonkeyPatch, *changes: float) -> float:
    """The IFD of a response whose tokens the prompt changes by so many nats."""
    direct = np.full(len(changes), 2.0)
    monkeypatch.setattr(Likelihood, "losses", lambda *_: [direct + changes, direct])
    (scores,) = IfdScorer(proxy, "r1", store, 512, 1024, formula="weighted").score([of("Why?", "Rest.")])
    assert " weighted-ratio " in scores[0].scorer
    assert values(scores)["ppl_conditional"] == pytest.approx(math.exp(2 + np.mean(changes)))
    return values(scores)["ifd"]


def test_a_token_counts_by_how_much_the_prompt_changes_it(
    proxy: CausalModel, store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = weighted(proxy, store, monkeypatch, -1.0, 0.5, 0.0, 0.0)
    assert found == pytest.approx(math.exp((-1.0 + 0.25) / 1.5))
    assert weighted(proxy, store, monkeypatch, -1.0, 0.5) == pytest.approx(found), "what stays as it is counts nothing"
    assert weighted(proxy, store, monkeypatch, -0.3, -0.3) == pytest.approx(math.exp(-0.3)), "all alike: the plain IFD"
    assert weighted(proxy, store, monkeypatch, 0.0, 0.0) == 1.0


def test_an_answer_of_one_token_has_an_ifd(proxy: CausalModel, store: FileStore) -> None:
    ((ifd, *_),) = scorer(proxy, store).score([of("Yes or no?", "Y")])
    assert ifd.value is not None
    assert ifd.value > 0


def test_the_anchor_is_the_templates_answer_header(proxy: CausalModel) -> None:
    assert proxy.tokenizer.decode(proxy.chat.anchor) == "<|im_start|>assistant\n"


def with_template(proxy: CausalModel, template: str, **tokens: str | None) -> Any:
    make: Any = PreTrainedTokenizerFast
    tokenizer = make(tokenizer_object=proxy.tokenizer.backend_tokenizer, **tokens)
    tokenizer.chat_template = template
    return tokenizer


@pytest.mark.parametrize(
    ("template", "tokens", "anchor"),
    [
        ("{{ messages[0]['content'] }}", {"bos_token": "<|im_start|>"}, "<|im_start|>"),
        ("{{ messages[0]['content'] }}", {"eos_token": "<|im_end|>"}, "<|im_end|>"),
        (
            "{{ '<|im_start|>' + messages[0]['content'] }}{% if add_generation_prompt %}A:{% endif %}",
            {"bos_token": "<|im_start|>"},
            "<|im_start|>A:",
        ),
    ],
)
def test_templates_without_a_header_are_anchored_by_bos_or_eos(
    proxy: CausalModel, template: str, tokens: dict[str, str], anchor: str
) -> None:
    tokenizer = with_template(proxy, template, **tokens)
    assert tokenizer.decode(ChatFormat(tokenizer).anchor) == anchor


def test_without_anything_to_anchor_on_the_model_is_unusable(proxy: CausalModel) -> None:
    with pytest.raises(ModelUnusable, match="BOS or EOS"):
        _ = ChatFormat(with_template(proxy, "{{ messages[0]['content'] }}")).anchor


def test_the_history_is_part_of_the_prompt(proxy: CausalModel, store: FileStore) -> None:
    alone, told = scorer(proxy, store).score([of("Why?", "Rest."), of("Why?", "Rest.", (Turn("I fell.", "I see."),))])
    assert values(alone)["ppl_direct"] == pytest.approx(values(told)["ppl_direct"], rel=1e-4)
    assert values(alone)["ppl_conditional"] != pytest.approx(values(told)["ppl_conditional"], rel=1e-3)


def test_a_long_prompt_loses_its_start_and_the_response_stays_whole(proxy: CausalModel, store: FileStore) -> None:
    tail = "b" * 40
    small = scorer(proxy, store, max_tokens=64)
    for scores in small.score([of("a" * 500 + tail, "c" * 40), of("z" * 900 + tail, "c" * 40)]):
        total = len(proxy.chat.prompt(of("", "").messages())) + len(tail) + 40
        assert scores[2].truncated == 0
        assert scores[0].truncated == scores[1].truncated > total - 64
    first, second = small.score([of("a" * 500 + tail, "c" * 40), of("z" * 900 + tail, "c" * 40)])
    assert values(first) == pytest.approx(values(second), rel=1e-4)


def test_a_long_response_is_cut_alike_in_both_passes(proxy: CausalModel, store: FileStore) -> None:
    ((ifd, conditional, direct),) = scorer(proxy, store, max_tokens=64).score([of("Why?", "c" * 100)])
    prompt = len(proxy.chat.prompt(of("Why?", "").messages()))
    assert direct.truncated == 100 - (64 - 16)  # a quarter of the window is the prompt's
    assert ifd.truncated == conditional.truncated == direct.truncated + prompt - 16


def test_what_the_tokenizer_or_the_proxy_refuses_is_unscored_alone(proxy: CausalModel, store: FileStore) -> None:
    samples = [of("Why?", "Rest."), of("Why?", ""), of("How?", "Drink.")]
    before = scorer(proxy, store).score([samples[0], samples[2]])
    first, empty, last = scorer(proxy, store).score(samples)
    assert [s.unscored for s in empty] == ["the response has no tokens"] * 3
    assert [s.value for s in empty] == [None] * 3
    assert [values(first), values(last)] == [pytest.approx(values(b), rel=1e-4) for b in before]


def test_a_template_that_raises_costs_one_sample(proxy: CausalModel, store: FileStore) -> None:
    strict = (
        "{% if 'x' in messages[0]['content'] %}{{ raise_exception('no x') }}{% endif %}"
        + "Q{{ messages[0]['content'] }}A"
    )
    tokenizer = with_template(proxy, strict, eos_token="<|im_end|>")
    good, bad = scorer(replace(proxy, tokenizer=tokenizer), store).score([of("a", "b"), of("x", "b")])
    assert len(values(good)) == 3
    assert "no x" in bad[0].unscored


def test_every_number_finite_or_unscored(proxy: CausalModel, store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    one = scorer(proxy, store)
    monkeypatch.setattr(
        one._likelihood, "losses", lambda rows: [np.array([n]) for n in (math.nan, 1.0, 800.0, 1.0)][: len(rows)]
    )
    for scores in one.score([of("Why?", "Rest."), of("Why?", "Rest.")]):
        assert all(s.value is None and "not finite" in s.unscored for s in scores)


def test_the_spend_counts_both_passes_without_padding(proxy: CausalModel, store: FileStore) -> None:
    one = scorer(proxy, store)
    samples = [of("Why?", "Rest."), of("Why not? " * 9, "Rest, and then drink.")]
    one.score(samples)
    fed = 0
    for sample in samples:
        response = len(sample.response)
        fed += len(proxy.chat.prompt(sample.messages())) + len(proxy.chat.anchor) + 2 * (response - 1)
    assert one.spent.tokens == fed
    assert one.spent.flops == 2 * proxy.parameters * fed
    one.score(samples)
    assert one.spent.tokens == 2 * fed


def test_an_empty_batch_costs_nothing(proxy: CausalModel, store: FileStore) -> None:
    one = scorer(proxy, store)
    assert one.score([]) == []
    assert one.spent.tokens == 0


# Following the versions


@pytest.fixture
def adapted(proxy: CausalModel, store: FileStore, tmp_path: Path) -> Callable[[int, float], Version]:
    """Makes a version whose proxy adapter adds noise of the given size."""

    def make(number: int, size: float) -> Version:
        view = trainable(proxy, 4, 8, 0.0, ["q_proj", "v_proj"], seed=number)
        for name, weight in view.model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.constant_(weight, size)
        folder = tmp_path / f"adapter-{number}"
        folder.mkdir()
        for name, content in adapter_files(view).items():
            (folder / name).write_bytes(content)
        artifact = store.put(folder)
        return version(number, AdapterPair(artifact, artifact))

    return make


def version(number: int, adapters: AdapterPair | None) -> Version:
    return Version(
        alias="a",
        number=number,
        parent=None,
        round_id="",
        base_model="b",
        base_revision="",
        proxy_model="p",
        proxy_revision="",
        adapters=adapters,
        rank=4,
        target_modules=("q_proj", "v_proj"),
        verdict=None,
        counts={},
        consumed=(),
        config_digest="",
        code_digest="",
    )


def test_the_proxy_follows_versions_there_and_back(
    proxy: CausalModel, store: FileStore, adapted: Callable[[int, float], Version]
) -> None:
    one, sample = scorer(proxy, store), of("Why?", "Rest.")
    base = one.score([sample])[0]
    one.activate(adapted(3, 0.5))
    moved = one.score([sample])[0]
    assert one.version == 3
    assert values(moved) != pytest.approx(values(base), rel=1e-3)
    assert (base[0].scorer.endswith("version=0"), moved[0].scorer.endswith("version=3")) == (True, True)
    one.activate(version(0, None))
    assert one.score([sample])[0] == base


def test_each_role_takes_its_own_adapter_of_a_version(
    proxy: CausalModel, store: FileStore, adapted: Callable[[int, float], Version]
) -> None:
    small, large = adapted(1, 0.5).adapters, adapted(2, 0.1).adapters
    assert small is not None
    assert large is not None
    both, alone = AdapterPair(large.deployed, small.proxy), AdapterPair(small.proxy, small.proxy)
    found: dict[str, list[Score]] = {}
    for role in get_args(Role):
        one = IfdScorer(proxy, "r1", store, 512, 1024, role=role)
        found[role] = []
        for pair in (both, alone):
            one.activate(version(3, pair))
            found[role].append(one.score([of("Why?", "Rest.")])[0][0])
    assert found["proxy"][0].value == pytest.approx(found["proxy"][1].value, rel=1e-6)
    assert found["deployed"][1].value == pytest.approx(found["proxy"][1].value, rel=1e-6)
    assert found["deployed"][0].value != pytest.approx(found["deployed"][1].value, rel=1e-3)
    assert " deployed=" in found["deployed"][0].scorer


def test_a_rollback_to_one_of_the_last_versions_asks_no_store(
    proxy: CausalModel, store: FileStore, adapted: Callable[[int, float], Version], tmp_path: Path
) -> None:
    one, sample = scorer(proxy, store), of("Why?", "Rest.")
    versions = [adapted(number, 0.1 * number) for number in range(1, 6)]
    scores = []
    for made in versions:
        one.activate(made)
        scores.append(one.score([sample])[0])
    (tmp_path / "store").rename(tmp_path / "away")
    one.activate(versions[1])
    assert one.score([sample])[0] == scores[1]
    with pytest.raises(CcitError):
        one.activate(versions[0])  # they are not kept for ever
    assert one.version == 2


def test_a_damaged_adapter_leaves_the_active_version_scoring(
    proxy: CausalModel, store: FileStore, adapted: Callable[[int, float], Version]
) -> None:
    one, sample = scorer(proxy, store), of("Why?", "Rest.")
    one.activate(adapted(1, 0.5))
    before = one.score([sample])
    gone = Artifact("store://nowhere", {"adapter_model.safetensors": "0" * 64})
    with pytest.raises(ArtifactDamaged):
        one.activate(version(2, AdapterPair(gone, gone)))
    assert one.version == 1
    assert one.score([sample]) == before


def test_an_adapter_that_gives_no_finite_numbers_is_not_activated(
    proxy: CausalModel, store: FileStore, adapted: Callable[[int, float], Version]
) -> None:
    one = scorer(proxy, store)
    with pytest.raises(ModelUnusable):
        one.activate(adapted(2, float("nan")))
    assert one.version == 0
