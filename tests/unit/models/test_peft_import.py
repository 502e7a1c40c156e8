"""Adapters as PEFT writes them: what PEFT computes with them is what is computed with what is made of them here."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load, save

from ccit.errors import ModelUnusable
from ccit.models.adapter_format import LoraShape
from ccit.models.causal import CausalModel, load_causal, trainable, with_adapter
from ccit.models.peft_import import adapter_folder, plain_adapter
from ccit.testing import random_model

SHAPE = LoraShape(4, 8, ("gate_proj", "q_proj", "v_proj"))
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # of PEFT and transformers
IDS = torch.tensor([[5, 9, 40, 7, 80, 11]])
NEAR = 1e-5  # logits are near 1: a few hundred float32 roundings
Made = Callable[..., Path]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model(tmp_path_factory.mktemp("model"), hidden=16)


@pytest.fixture(scope="module")
def base(folder: Path) -> CausalModel:
    return load_causal(str(folder), device="cpu", dtype="float32")


@pytest.fixture
def made(folder: Path, tmp_path: Path) -> Made:
    def saved(**settings: Any) -> Path:
        """An adapter with random weights, saved by PEFT."""
        torch.manual_seed(3)
        config = LoraConfig(**{"r": 2, "lora_alpha": 6, "target_modules": ["q_proj", "v_proj"], **settings})
        model: Any = get_peft_model(load_causal(str(folder), device="cpu", dtype="float32").model, config)
        for name, weight in model.named_parameters():
            if "lora_" in name:
                torch.nn.init.normal_(weight, 0, 0.3)
        model.save_pretrained(tmp_path / "adapter")
        return tmp_path / "adapter"

    return saved


def changed(adapter: Path, **config: object) -> dict[str, bytes]:
    files = adapter_folder(adapter)
    return {**files, "adapter_config.json": json.dumps(json.loads(files["adapter_config.json"]) | config).encode()}


def renamed(adapter: Path, name: Callable[[str], str]) -> dict[str, bytes]:
    files = adapter_folder(adapter)
    weights = {name(key): tensor for key, tensor in load(files["adapter_model.safetensors"]).items()}
    return {**files, "adapter_model.safetensors": save(weights)}


@torch.inference_mode()
def logits(model: Any) -> torch.Tensor:
    found: torch.Tensor = model(input_ids=IDS, use_cache=False).logits
    return found


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"use_rslora": True},
        {"rank_pattern": {"v_proj": 3}, "alpha_pattern": {r"layers\.1\.self_attn\.q_proj": 1}},
        {"layers_to_transform": [1], "target_modules": ["gate_proj", "q_proj"]},
        {"target_modules": r".*\.0\..*(q_proj|gate_proj)"},
        {"lora_dropout": 0.3, "init_lora_weights": "gaussian"},
    ],
    ids=["plain", "rslora", "patterns", "one layer", "expression", "dropout"],
)
def test_it_computes_what_peft_computes(base: CausalModel, folder: Path, made: Made, settings: dict[str, Any]) -> None:
    adapter = made(**settings)
    theirs: Any = PeftModel.from_pretrained(load_causal(str(folder), device="cpu", dtype="float32").model, str(adapter))
    ours = with_adapter(base, plain_adapter(adapter_folder(adapter), base, SHAPE))
    assert ours.shape == SHAPE
    torch.testing.assert_close(logits(ours.model), logits(theirs.eval()), rtol=NEAR, atol=NEAR)
    assert (logits(ours.model) - logits(base.model)).abs().max() > 0.1


def test_names_with_other_prefixes_are_the_same_adapter(base: CausalModel, made: Made) -> None:
    adapter = made()
    plain = plain_adapter(adapter_folder(adapter), base, SHAPE)
    for name in (
        lambda key: key.removeprefix("base_model.model."),
        lambda key: key.replace(".weight", ".default.weight"),
        lambda key: key.replace("base_model.model.", "base_model.model._orig_mod."),
    ):
        assert plain_adapter(renamed(adapter, name), base, SHAPE) == plain


def test_fields_that_are_not_known_and_not_set_do_no_harm(base: CausalModel, made: Made) -> None:
    files = changed(made(), of_next_year=None, also_new=False)
    assert plain_adapter(files, base, SHAPE)


def test_training_goes_on_from_it_and_all_of_its_rank_can_learn(base: CausalModel, made: Made) -> None:
    files = plain_adapter(adapter_folder(made()), base, SHAPE)
    view = trainable(base, SHAPE.rank, SHAPE.alpha, 0.0, SHAPE.target_modules, seed=0, start=files)
    for name, weight in view.model.named_parameters():
        if "lora_A" in name:
            assert bool((weight.abs().sum(dim=1) > 0).all()), name


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"use_dora": True}, "use_dora = True"),
        ({"bias": "all"}, "bias = 'all'"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"of_next_year": 3}, "of_next_year = 3"),
        ({"init_lora_weights": "pissa"}, "changes the base model's weights"),
        ({"peft_type": "IA3"}, "PEFT type 'IA3'"),
        ({"r": 3}, "gives .* the rank 3, its weights have 2"),
        ({"lora_alpha": "much"}, "the alpha 'much', which is no number"),
        ({"rank_pattern": ["v_proj"]}, "rank_pattern must be an object"),
    ],
)
def test_what_is_more_than_a_low_rank_update_is_refused(
    base: CausalModel, made: Made, settings: dict[str, Any], why: str
) -> None:
    with pytest.raises(ModelUnusable, match=why):
        plain_adapter(changed(made(), **settings), base, SHAPE)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (lambda key: key.replace("layers.1", "layers.7"), r"layers\.7.*no layer of"),
        (lambda key: key.replace("lora_A", "lora_embedding_A"), "no matrix A or B"),
        (lambda key: key.replace("layers.0.self_attn.q_proj.lora_A", "layers.0.mlp.gate_proj.lora_A"), "incomplete"),
    ],
)
def test_weights_of_something_else_are_refused(
    base: CausalModel, made: Made, name: Callable[[str], str], why: str
) -> None:
    with pytest.raises(ModelUnusable, match=why):
        plain_adapter(renamed(made(), name), base, SHAPE)


@pytest.mark.parametrize(
    "other",
    [
        lambda key: key.removeprefix("base_model.model."),
        lambda key: key.replace(".weight", ".second.weight"),
        lambda key: key.replace("base_model.model.", "base_model.model._orig_mod."),
    ],
    ids=["no prefix", "a second adapter", "compiled"],
)
def test_two_tensors_under_one_name_are_refused(base: CausalModel, made: Made, other: Callable[[str], str]) -> None:
    adapter = made()
    weights = load(adapter_folder(adapter)["adapter_model.safetensors"])
    both = weights | {other(key): tensor.clone() for key, tensor in weights.items()}
    with pytest.raises(ModelUnusable, match=r"the matrix A of .*q_proj twice"):
        plain_adapter({**adapter_folder(adapter), "adapter_model.safetensors": save(both)}, base, SHAPE)


def test_a_rank_of_0_is_refused(base: CausalModel, made: Made) -> None:
    files = changed(made(), r=0)
    none = {
        name: tensor[:0] if "lora_A" in name else tensor[:, :0].contiguous()
        for name, tensor in load(files["adapter_model.safetensors"]).items()
    }
    with pytest.raises(ModelUnusable, match="the rank 0, which adds nothing"):
        plain_adapter({**files, "adapter_model.safetensors": save(none)}, base, SHAPE)


@pytest.mark.parametrize(
    ("theirs", "ours", "said"),
    [
        ("Qwen/Qwen2.5-0.5B", "Qwen/Qwen2.5-0.5B-Instruct", "refused"),
        ("qwen/qwen2.5-14b-instruct/", "Qwen/Qwen2.5-0.5B-Instruct", "refused"),
        ("Qwen/Qwen2.5-0.5B-Instruct", "Qwen/Qwen2.5-0.5B-Instruct", ""),
        ("unsloth/qwen2.5-0.5b-instruct", "Qwen/Qwen2.5-0.5B-Instruct", ""),
        ("/home/me/models/Qwen2.5-0.5B-Instruct/", "Qwen/Qwen2.5-0.5B-Instruct", ""),
        ("Qwen/Qwen2.5-0.5B-Instruct", "Qwen2.5-0.5B-Instruct", ""),
        (r"C:\models\Qwen2.5-0.5B-Instruct", "Qwen/Qwen2.5-0.5B-Instruct", ""),
        (None, "Qwen/Qwen2.5-0.5B-Instruct", ""),
        ("", "Qwen/Qwen2.5-0.5B-Instruct", ""),
        ("unsloth/qwen2.5-0.5b-instruct-bnb-4bit", "Qwen/Qwen2.5-0.5B-Instruct", "warned"),
        ("/home/Qwen/base", "Qwen/Qwen2.5-0.5B-Instruct", "warned"),
        ("Qwen/Qwen2.5-0.5B-Instruct", "deployed", "warned"),
        ("proxy", "deployed", "warned"),
    ],
)
def test_another_model_of_one_owner_is_refused_and_a_name_that_proves_nothing_is_said(
    base: CausalModel, made: Made, caplog: pytest.LogCaptureFixture, theirs: str | None, ours: str, said: str
) -> None:
    files = changed(made(), base_model_name_or_path=theirs)
    with caplog.at_level(logging.WARNING, "ccit.models"):
        if said == "refused":
            with pytest.raises(ModelUnusable, match=f"made for {theirs}, but models.deployed is {ours}"):
                plain_adapter(files, replace(base, name=ours), SHAPE)
        else:
            plain_adapter(files, replace(base, name=ours), SHAPE)
    assert ["names alone do not tell" in message for message in caplog.messages] == ([True] if said == "warned" else [])


def test_what_the_settings_have_no_room_for_is_refused_with_what_would_have(base: CausalModel, made: Made) -> None:
    files = adapter_folder(made())
    with pytest.raises(ModelUnusable, match=r"set training\.rank to at least 2"):
        plain_adapter(files, base, LoraShape(1, 8, SHAPE.target_modules))
    with pytest.raises(ModelUnusable, match=r"training\.target_modules"):
        plain_adapter(files, base, LoraShape(4, 8, ("q_proj",)))


def test_an_adapter_of_a_wider_model_and_a_number_that_is_none_are_refused(
    base: CausalModel, made: Made, tmp_path: Path
) -> None:
    wider = load_causal(str(random_model(tmp_path / "wider", hidden=32)), device="cpu", dtype="float32")
    files = adapter_folder(made())
    with pytest.raises(ModelUnusable, match="do not fit"):
        plain_adapter(files, wider, SHAPE)
    weights = load(files["adapter_model.safetensors"])
    next(iter(weights.values()))[0, 0] = torch.inf
    with pytest.raises(ModelUnusable, match="not finite"):
        plain_adapter({**files, "adapter_model.safetensors": save(weights)}, base, SHAPE)


def test_pickled_weights_are_never_read(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    (tmp_path / "adapter_model.bin").write_bytes(b"")
    with pytest.raises(ModelUnusable, match="never read"):
        adapter_folder(tmp_path)
