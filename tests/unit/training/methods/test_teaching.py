from __future__ import annotations

import pytest
import torch

from ccit.models.causal import CausalModel, load_causal, trainable
from ccit.models.encoding import Encoded
from ccit.models.likelihood import losses_at
from ccit.models.packing import batch_states, pack_rows, response_states
from ccit.ports.training import Example, MicroBatch, TrainingStart
from ccit.records import Spend
from ccit.testing import random_model
from ccit.training.methods.teaching import Teaching, TeachingSettings
from tests.nouns import sample

EXAMPLES = [
    Example(sample(0), "training", Encoded((5, 6, 7), 1)),
    Example(sample(1), "general", Encoded((9, 10), 1)),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return load_causal(str(random_model(tmp_path_factory.mktemp("model"), hidden=16, layers=1)), device="cpu")


def moved(view: CausalModel, by: float) -> CausalModel:
    with torch.no_grad():
        for name, weight in view.model.named_parameters():
            if "lora_B" in name:
                weight.add_(by)
    return view


def distance(base: CausalModel, part: str = "", *, adapted: bool = True, moves: tuple[float, float]) -> float:
    """What is added to a loss of 0 when the adapter moves before and after the teacher is taken."""
    settings = TeachingSettings(strength=3.0, temperature=1.0, part=part)
    view, method = trainable(base, 2, 4, 0.0, "all-linear", seed=0), Teaching(settings, adapted=adapted)
    method.prepare(TrainingStart(moved(view, moves[0]), {}, EXAMPLES, {}))
    states, targets = response_states(moved(view, moves[1]), [example.row for example in EXAMPLES])
    batch = MicroBatch(EXAMPLES, losses_at(view.head, states, targets), 0.5, states)
    return float(method.loss(torch.tensor(0.0), batch).detach())


def test_a_model_that_has_not_moved_is_at_no_distance(base: CausalModel) -> None:
    assert distance(base, moves=(0.5, 0.0)) == pytest.approx(0.0, abs=1e-6)
    assert distance(base, moves=(0.5, 0.5)) > 1e-3


def test_without_the_adapter_the_teacher_is_the_base(base: CausalModel) -> None:
    assert distance(base, adapted=False, moves=(0.0, 0.0)) == pytest.approx(0.0, abs=1e-6)
    far = distance(base, adapted=False, moves=(0.5, 0.0))
    assert far == pytest.approx(distance(base, moves=(0.0, 0.5)), rel=1e-4)


def test_the_parts_add_up_to_the_whole_and_one_that_is_not_there_is_nothing(base: CausalModel) -> None:
    moves = (0.0, 0.5)
    whole = distance(base, moves=moves)
    parts = [distance(base, part, moves=moves) for part in ("training", "general", "replay")]
    assert sum(parts) == pytest.approx(whole, rel=1e-4)
    assert parts[2] == 0.0


@pytest.mark.parametrize(("packed", "computed"), [(True, 20 + 5), (False, 2 * 20)])
def test_the_teacher_reads_as_the_model_does_and_what_it_computes_is_counted(
    base: CausalModel, packed: bool, computed: int
) -> None:
    rows = [Encoded(tuple(range(5, 26)), 3), Encoded(tuple(range(40, 46)), 2)]
    examples = [Example(sample(n), "training", row) for n, row in enumerate(rows)]
    view, method = trainable(base, 2, 4, 0.0, "all-linear", seed=0), Teaching(TeachingSettings(), adapted=True)
    if packed:
        pack_rows(view)
    method.prepare(TrainingStart(view, {}, examples, {}))
    states, targets = batch_states(view, rows)
    found = method.loss(torch.tensor(0.0), MicroBatch(examples, losses_at(view.head, states, targets), 1.0, states))
    assert float(found.detach()) == pytest.approx(0.0, abs=1e-6)
    assert method.spent() == Spend.of_reading(computed, base.parameters)
