from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Phi3Config, Phi3ForCausalLM

from ccit.errors import ConfigError
from ccit.models.causal import CausalModel, load_causal, trainable
from ccit.models.targets import target_names
from ccit.testing import byte_tokenizer, random_model

LLAMA_NAMES = ("down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return load_causal(str(random_model(tmp_path_factory.mktemp("model"))), device="cpu", threads=1)


@pytest.fixture(scope="module")
def fused() -> CausalModel:
    """A Phi-3, whose projections are fused: `qkv_proj`, `gate_up_proj`."""
    tokenizer = byte_tokenizer()
    config = Phi3Config(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        pad_token_id=0,
    )
    model: Any = Phi3ForCausalLM(config)
    return CausalModel(model.eval(), tokenizer, torch.device("cpu"), torch.float32, 1, "phi")


def test_every_linear_layer_by_the_models_own_names(base: CausalModel, fused: CausalModel) -> None:
    assert target_names(base.model, "all-linear", "m") == LLAMA_NAMES
    assert target_names(fused.model, "all-linear", "m") == ("down_proj", "gate_up_proj", "o_proj", "qkv_proj")


def test_fused_layers_are_trained_in_every_block(fused: CausalModel) -> None:
    view = trainable(fused, 2, 4, 0.0, "all-linear", seed=0)
    assert view.shape is not None
    assert view.shape.target_modules == ("down_proj", "gate_up_proj", "o_proj", "qkv_proj")
    adapted = [name for name, weight in view.model.named_parameters() if weight.requires_grad]
    assert len(adapted) == 2 * 2 * 4  # A and B, two blocks, four kinds


@pytest.mark.parametrize("names", [["q_proj"], ["v_proj", "q_proj", "q_proj"], ["self_attn.q_proj"]])
def test_names_that_match_are_taken_as_they_are(base: CausalModel, names: list[str]) -> None:
    assert target_names(base.model, names, "m") == tuple(sorted(set(names)))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["q_proj", "k_porj"], r"names 'k_porj', but no layer has that name in m; did you mean 'k_proj'\?"),
        (["qkv_proj"], r"no layer has that name in m"),
        (["q_proj", "embed_tokens"], r"names 'embed_tokens', but that is the table of embeddings"),
        (["lm_head"], r"that is the head over the vocabulary"),
        (["self_attn"], r"that is no linear layer in m"),
        (["proj"], r"no layer has that name in m"),
        (["q_proj", "norm"], r"that is no linear layer"),
    ],
)
def test_a_name_that_fits_no_layer_is_refused_in_one_sentence(base: CausalModel, names: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        target_names(base.model, names, "m")
    assert "Its linear layers are down_proj, gate_proj, k_proj" in str(caught.value)


def test_the_usual_list_is_refused_where_the_model_has_other_layers(fused: CausalModel) -> None:
    with pytest.raises(ConfigError, match=r"'q_proj'.*did you mean 'qkv_proj'"):
        target_names(fused.model, ["q_proj", "o_proj"], "phi")


def test_a_model_in_a_folder_says_its_name(tmp_path: Path) -> None:
    base = load_causal(str(random_model(tmp_path / "ward-7b")), device="cpu", threads=1)
    with pytest.raises(ConfigError, match="in ward-7b"):
        trainable(base, 2, 4, 0.0, ["nothing"], seed=0)
