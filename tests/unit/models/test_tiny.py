import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen2ForCausalLM

from ccit.errors import StorageFailed
from ccit.models.tiny import ModelSpec, TinyPair, TinySpec, build_tokenizer, tiny_pair
from ccit.simulation import pretraining_exchanges

pytestmark = pytest.mark.trains
SPEC = TinySpec(
    deployed=ModelSpec(hidden=32, layers=2, heads=4, intermediate=48, exchanges=300),
    proxy=ModelSpec(hidden=16, layers=1, heads=2, intermediate=32, exchanges=100),
    vocabulary=400,
)
Calls = list[tuple[str, int, int]]


def build(cache: Path, calls: Calls | None = None, spec: TinySpec = SPEC, seed: int = 0) -> TinyPair:
    record = calls if calls is not None else []
    return tiny_pair(cache, seed, lambda *call: record.append(call), spec=spec, device="cpu")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def pair(cache: Path) -> TinyPair:
    return build(cache)


@pytest.fixture(scope="module")
def tokenizer(pair: TinyPair) -> Any:
    return AutoTokenizer.from_pretrained(pair.deployed, local_files_only=True)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [e.question + e.answer for e in pretraining_exchanges(500, 0)]


def test_both_load_as_ordinary_directories_and_the_proxy_is_smaller(pair: TinyPair) -> None:
    sizes = []
    for directory in (pair.deployed, pair.proxy):
        model = AutoModelForCausalLM.from_pretrained(directory, local_files_only=True)
        assert isinstance(model, Qwen2ForCausalLM)
        assert (directory / "model.safetensors").is_file()
        tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
        assert len(tokenizer) == model.config.vocab_size == SPEC.vocabulary
        assert model.config.eos_token_id == tokenizer.eos_token_id
        sizes.append(sum(p.numel() for p in model.parameters()))
    assert sizes[1] < sizes[0]


def test_the_loaded_tokenizer_encodes_as_the_trained_one(
    pair: TinyPair, tokenizer: Any, texts: list[str], tmp_path: Path
) -> None:
    trained = build_tokenizer(texts, 400)
    trained.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_bytes((pair.deployed / "config.json").read_bytes())
    loaded = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    samples = [*texts, "A patient's dose is 100 mg;  every 6 hours.\n\n<|im_end|>"]
    assert loaded(samples)["input_ids"] == trained(samples)["input_ids"]
    assert trained.tokenize("100 mg")[:3] == ["1", "0", "0"]
    assert (pair.proxy / "tokenizer.json").read_bytes() == (pair.deployed / "tokenizer.json").read_bytes()


def test_chats_are_written_in_chatml(tokenizer: Any) -> None:
    messages = [{"role": "user", "content": "Hello?"}]
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert text == "<|im_start|>user\nHello?<|im_end|>\n<|im_start|>assistant\n"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert ids.count(tokenizer.eos_token_id) == 1


@settings(max_examples=50)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_survives_the_tokenizer(text: str, tokenizer: Any) -> None:
    normal = tokenizer.backend_tokenizer.normalizer.normalize_str(text)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids, clean_up_tokenization_spaces=False) == normal


def test_pre_training_learns(pair: TinyPair) -> None:
    losses = json.loads((pair.deployed.parent / "sealed.json").read_bytes())["noted"]
    untrained = float(torch.log(torch.tensor(SPEC.vocabulary)))
    assert losses["deployed"] < untrained - 0.3


def test_the_cache_is_used_again_and_progress_is_told_only_when_building(cache: Path, pair: TinyPair) -> None:
    calls: Calls = []
    assert build(cache, calls) == pair
    assert calls == []


def test_same_seed_same_bytes_and_progress_reaches_the_end(pair: TinyPair, tmp_path: Path) -> None:
    calls: Calls = []
    again = build(tmp_path, calls)
    assert again.deployed.parent.name == pair.deployed.parent.name
    for mine, other in ((again.deployed, pair.deployed), (again.proxy, pair.proxy)):
        assert (mine / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()
    assert {stage for stage, done, total in calls if done == total} == {
        "tokenizer",
        "pre-training the deployed model",
        "pre-training the proxy model",
    }
    assert [p.name for p in tmp_path.iterdir()] == [again.deployed.parent.name]


def test_other_ingredients_make_another_pair(cache: Path, pair: TinyPair) -> None:
    other = build(cache, seed=1)
    wider = build(cache, spec=replace(SPEC, vocabulary=420))
    assert len({pair.deployed, other.deployed, wider.deployed}) == 3


def test_a_damaged_cache_is_rebuilt(tmp_path: Path, pair: TinyPair) -> None:
    built = build(tmp_path)
    weights = built.deployed / "model.safetensors"
    sound = weights.read_bytes()
    weights.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    assert build(tmp_path) == built
    assert weights.read_bytes() == sound


def test_an_unwritable_cache_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="could not be written"):
        build(tmp_path / "file" / "cache")
