"""What a round makes of its samples, and what it refuses."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ccit.errors import ModelUnusable, TrainingFailed
from ccit.models.causal import with_adapter
from ccit.models.encoding import encode
from ccit.models.likelihood import response_losses
from ccit.records import Candidate, Material
from ccit.store.files import FileStore
from tests.unit.training.tiny_rounds import TinyRounds, digests, quiet

pytestmark = pytest.mark.trains


def test_both_models_learn_the_round(rounds: TinyRounds, tmp_path: Path) -> None:
    stages: list[tuple[str, int, int]] = []
    candidate = rounds.train(tmp_path, progress=lambda *stage: stages.append(stage))
    losses = candidate.losses
    assert losses["deployed_last"] < losses["deployed_first"]
    assert losses["proxy_last"] < losses["proxy_first"]
    assert stages[7] == ("train deployed", 8, 8)  # 14 samples, 4 a step, 2 epochs
    assert stages[-1] == ("train proxy", 8, 8)
    assert candidate.training.tokens > 2 * 2 * sum(len(s.response) for s in rounds.material.training)
    model = with_adapter(rounds.bases.deployed, FileStore(tmp_path).read(candidate.adapters.deployed))
    rows = [encode(model.chat, s, 128) for s in rounds.material.training]
    with torch.no_grad():
        assert response_losses(model, rows).mean() < response_losses(rounds.bases.deployed, rows).mean()


def test_same_round_same_bytes_and_another_seed_others(rounds: TinyRounds, tmp_path: Path) -> None:
    def train(seed: int, where: str) -> Candidate:
        torch.manual_seed(len(where))  # the global random state must not matter
        return rounds.train(tmp_path / where, seed)

    first, again, other = train(0, "first"), train(0, "again"), train(1, "other")
    assert digests(first) == digests(again)
    assert first.training == again.training
    assert first.losses == again.losses
    assert digests(first) != digests(other)


def test_the_next_round_continues_from_the_parent(rounds: TinyRounds, tmp_path: Path) -> None:
    first = rounds.train(tmp_path)
    second = rounds.train(tmp_path, parent=rounds.version(first))
    assert second.losses["deployed_first"] < first.losses["deployed_first"]
    assert digests(second) != digests(first)


def test_a_round_that_diverges_fails_and_leaves_no_candidate(rounds: TinyRounds, tmp_path: Path) -> None:
    with pytest.raises(TrainingFailed, match=r"lower training\.learning_rate"):
        rounds.train(tmp_path, settings=rounds.settings(learning_rate=1e38, warmup_share=0.0))
    assert not list(tmp_path.rglob("candidate-*"))


def test_another_base_model_is_refused(rounds: TinyRounds, tmp_path: Path) -> None:
    planned, material, base = rounds.job()
    with pytest.raises(ModelUnusable, match="was planned for"):
        rounds.trainer(tmp_path).train(replace(planned, base_revision="sha256:other"), material, base, quiet)


def test_a_round_without_samples_is_refused(rounds: TinyRounds, tmp_path: Path) -> None:
    planned, _, base = rounds.job()
    with pytest.raises(ModelUnusable, match="no sample"):
        rounds.trainer(tmp_path).train(planned, Material((), ()), base, quiet)


def test_losses_are_finite_numbers(rounds: TinyRounds, tmp_path: Path) -> None:
    candidate = rounds.train(tmp_path)
    assert set(candidate.losses) == {"deployed_first", "deployed_last", "proxy_first", "proxy_last"}
    assert all(math.isfinite(loss) for loss in candidate.losses.values())
