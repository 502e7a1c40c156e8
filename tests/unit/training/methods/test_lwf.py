from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ccit.models.causal import frozen, load_causal, trainable
from ccit.models.divergence import divergences_at
from ccit.models.encoding import Encoded
from ccit.models.likelihood import losses_at
from ccit.models.packing import response_states
from ccit.ports.training import Example, MethodContext, MicroBatch, TrainingStart
from ccit.testing import random_model
from ccit.training.methods.lwf import LearningWithoutForgetting
from tests.nouns import sample

PART = LearningWithoutForgetting.Settings().part or "training"


def test_the_teacher_is_the_incumbent_and_the_sum_is_as_the_formula_says(tmp_path: Path) -> None:
    base = load_causal(str(random_model(tmp_path, hidden=16, layers=1)), device="cpu")
    view = trainable(base, 2, 4, 0.0, "all-linear", seed=0)
    learned = [weight for name, weight in view.model.named_parameters() if "lora_B" in name]
    with torch.no_grad():
        for weight in learned:
            weight.add_(0.3)
    method = LearningWithoutForgetting(
        LearningWithoutForgetting.Settings(strength=2.0, temperature=2.0), MethodContext("proxy", 0)
    )
    method.prepare(TrainingStart(view, {}, [], {}))
    teacher = frozen(view)
    with torch.no_grad():
        for weight in learned:
            weight.sub_(0.5)
    row = Encoded((5, 6, 7), 1)
    states, targets = response_states(view, [row])
    batch = MicroBatch([Example(sample(0), PART, row)], losses_at(view.head, states, targets), 0.5, states)
    gaps = divergences_at(teacher.head, response_states(teacher, [row])[0], view.head, states, temperature=2.0).detach()
    found = method.loss(torch.tensor(1.0), batch)
    assert float(gaps.mean()) > 1e-4
    assert found.item() == pytest.approx(1.0 + 2.0 * 0.5 * gaps.mean().item(), rel=1e-4)
    assert method.spent().tokens == 2  # the last token of a row is not fed
