"""What a round makes of its samples, and what it refuses."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ccit.config import Config
from ccit.errors import ModelUnusable, TrainingFailed
from ccit.models.bases import BaseModels
from ccit.models.causal import with_adapter
from ccit.models.encoding import encode
from ccit.models.likelihood import response_losses
from ccit.records import Candidate, Material, Version
from ccit.store.files import FileStore
from ccit.training.lora import LoraTrainer
from tests.unit.training.tiny_rounds import Plan, digests, quiet, trainer

pytestmark = pytest.mark.trains


def test_both_models_learn_the_round(
    config: Config, bases: BaseModels, plan: Plan, material: Material, base_version: Version, tmp_path: Path
) -> None:
    store = FileStore(tmp_path)
    stages: list[tuple[str, int, int]] = []
    candidate = LoraTrainer(config.training, bases, store, tmp_path / "work").train(
        plan(0), material, base_version, lambda *stage: stages.append(stage)
    )
    losses = candidate.losses
    assert losses["deployed_last"] < losses["deployed_first"]
    assert losses["proxy_last"] < losses["proxy_first"]
    assert stages[7] == ("train deployed", 8, 8)  # 14 samples, 4 a step, 2 epochs
    assert stages[-1] == ("train proxy", 8, 8)
    assert candidate.training.tokens > 2 * 2 * sum(len(s.response) for s in material.training)
    model = with_adapter(bases.deployed, store.read(candidate.adapters.deployed))
    rows = [encode(model.chat, s, 128) for s in material.training]
    with torch.no_grad():
        assert response_losses(model, rows).mean() < response_losses(bases.deployed, rows).mean()


def test_same_round_same_bytes_and_another_seed_others(
    config: Config, bases: BaseModels, plan: Plan, material: Material, base_version: Version, tmp_path: Path
) -> None:
    def train(seed: int, where: str) -> Candidate:
        torch.manual_seed(len(where))  # the global random state must not matter
        return trainer(config, bases, tmp_path / where).train(plan(seed), material, base_version, quiet)

    first, again, other = train(0, "first"), train(0, "again"), train(1, "other")
    assert digests(first) == digests(again)
    assert first.training == again.training
    assert first.losses == again.losses
    assert digests(first) != digests(other)


def test_the_next_round_continues_from_the_parent(
    config: Config, bases: BaseModels, plan: Plan, material: Material, base_version: Version, tmp_path: Path
) -> None:
    first = trainer(config, bases, tmp_path).train(plan(0), material, base_version, quiet)
    parent = replace(base_version, number=1, parent=0, adapters=first.adapters)
    second = trainer(config, bases, tmp_path).train(plan(0), material, parent, quiet)
    assert second.losses["deployed_first"] < first.losses["deployed_first"]
    assert digests(second) != digests(first)


def test_a_round_that_diverges_fails_and_leaves_no_candidate(
    config: Config, bases: BaseModels, plan: Plan, material: Material, base_version: Version, tmp_path: Path
) -> None:
    settings = config.training.model_copy(update={"learning_rate": 1e38, "warmup_share": 0.0})
    with pytest.raises(TrainingFailed, match=r"lower training\.learning_rate"):
        LoraTrainer(settings, bases, FileStore(tmp_path), tmp_path / "work").train(
            plan(0), material, base_version, quiet
        )
    assert not list(tmp_path.rglob("candidate-*"))


def test_another_base_model_is_refused(
    config: Config, bases: BaseModels, plan: Plan, material: Material, base_version: Version, tmp_path: Path
) -> None:
    with pytest.raises(ModelUnusable, match="was planned for"):
        trainer(config, bases, tmp_path).train(
            replace(plan(0), base_revision="sha256:other"), material, base_version, quiet
        )


def test_a_round_without_samples_is_refused(
    config: Config, bases: BaseModels, plan: Plan, base_version: Version, tmp_path: Path
) -> None:
    with pytest.raises(ModelUnusable, match="no sample"):
        trainer(config, bases, tmp_path).train(plan(0), Material((), ()), base_version, quiet)


def test_losses_are_finite_numbers(
    config: Config, bases: BaseModels, plan: Plan, material: Material, base_version: Version, tmp_path: Path
) -> None:
    candidate = trainer(config, bases, tmp_path).train(plan(0), material, base_version, quiet)
    assert set(candidate.losses) == {"deployed_first", "deployed_last", "proxy_first", "proxy_last"}
    assert all(math.isfinite(loss) for loss in candidate.losses.values())
