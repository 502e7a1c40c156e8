from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from ccit.config import Config, Models, Training
from ccit.errors import ConfigError, ModelUnusable
from ccit.models.adapter_bank import AdapterBank
from ccit.models.bases import BaseModels
from ccit.models.causal import CausalModel
from ccit.testing import random_model
from ccit.training.trial import try_training


def test_settings_that_fit_leave_the_models_as_they_were(config: Config, bases: BaseModels) -> None:
    before = {role: [w.clone() for w in bases.of(role).model.parameters()] for role in ("deployed", "proxy")}
    state = torch.get_rng_state()
    try_training(config.training, bases)
    for role, weights in before.items():
        model = bases.deployed if role == "deployed" else bases.proxy
        assert all(torch.equal(a, b) for a, b in zip(model.model.parameters(), weights, strict=True))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("names", [["q_proj", "embed_tokens"], ["q_proj", "k_porj"]])
def test_layers_that_cannot_be_adapted_are_refused(bases: BaseModels, names: list[str]) -> None:
    with pytest.raises(ConfigError, match=names[1]):
        try_training(Training(target_modules=names), bases)


def test_methods_that_do_not_go_together_are_refused_before_a_round(bases: BaseModels) -> None:
    methods = [{"kind": "o_lora"}, {"kind": "fast_and_slow"}]
    with pytest.raises(ConfigError, match="mixes those that 'o_lora' keeps apart"):
        try_training(Training.model_validate({"rank": 2, "methods": methods}), bases)


def test_an_adapter_of_a_form_that_the_server_does_not_take_is_refused_before_a_round(
    bases: BaseModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def refuse(bank: AdapterBank, files: Mapping[str, bytes]) -> None:
        asked.append(bank.causal.name)
        raise ModelUnusable("q_proj is no layer that is served")

    monkeypatch.setattr("ccit.training.trial.AdapterBank.convert", refuse)
    with pytest.raises(ModelUnusable, match="no layer that is served"):
        try_training(Training(rank=2), bases)
    assert asked == [bases.deployed.name]


def test_a_model_whose_numbers_are_not_finite_is_refused(tmp_path: Path) -> None:
    folder = str(random_model(tmp_path / "m"))
    bases = BaseModels(Models(deployed=folder, proxy=folder, device="cpu", threads=1))
    with torch.no_grad():
        bases.deployed.model.get_input_embeddings().weight.fill_(float("nan"))
    with pytest.raises(ModelUnusable, match="not finite"):
        try_training(Training(rank=2), bases)


def test_a_model_that_cannot_compute_its_blocks_again_is_refused_where_it_would_have_to(
    bases: BaseModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(view: CausalModel) -> None:
        raise ConfigError(f"{view.name} has no list of blocks")

    monkeypatch.setattr("ccit.training.trial.recompute_blocks", refuse)
    for asked in (False, "auto"):
        try_training(Training.model_validate({"rank": 2, "gradient_checkpointing": asked}), bases)
    with pytest.raises(ConfigError, match="no list of blocks"):
        try_training(Training(rank=2, gradient_checkpointing=True), bases)


def test_attention_that_takes_no_packed_rows_is_refused_where_rows_are_packed(
    bases: BaseModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(view: CausalModel) -> None:
        raise ConfigError(f"{view.name} takes no packed rows")

    monkeypatch.setattr("ccit.training.trial.pack_rows", refuse)
    try_training(Training(rank=2), bases)
    with pytest.raises(ConfigError, match="takes no packed rows"):
        try_training(Training.model_validate({"rank": 2, "batcher": {"kind": "packed"}}), bases)
