from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from ccit.config import Config
from ccit.models.bases import BaseModels
from ccit.models.causal import CausalModel, trainable
from ccit.models.encoding import Encoded, encode
from ccit.models.schedule import rate_factor
from ccit.ports.training import Example
from ccit.records import Sample
from ccit.training.applied import AppliedMethods
from ccit.training.checkpoint import Checkpoint, TrainingState
from ccit.training.loop import AdapterTraining
from ccit.training.steps import Step

# Answers of 1 to 40 words: a mean over micro-batches would weigh their tokens by how they fell.
SAMPLES = [
    Sample(f"s{n}", f"r{n}", "ward", "en", f"What is {n}?", " ".join(["well"] * words))
    for n, words in enumerate((1, 2, 9, 18))
]
TARGETS = ("q_proj", "v_proj")


def quiet(done: int, total: int) -> None:
    pass


def view(bases: BaseModels, dropout: float = 0.0) -> CausalModel:
    """A fresh view whose B matrices are not zero, so that A has a gradient as well."""
    made = trainable(bases.deployed, 4, 8.0, dropout, TARGETS, seed=3)
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, weight in sorted(made.model.named_parameters()):
            if "lora_B" in name:
                weight.normal_(0, 0.1, generator=generator)
    return made


def examples(causal: CausalModel) -> list[Example]:
    return [Example(s, "training", encode(causal.chat, s, 200)) for s in SAMPLES]


def trained(
    one: CausalModel, steps: Sequence[Step], config: Config, path: Path, *, rate: float = 0.01, seed: int = 0
) -> TrainingState:
    """What the last checkpoint holds."""
    checkpoint = Checkpoint(path)
    settings = config.training.model_copy(update={"checkpoint_steps": 1})
    AdapterTraining(one, examples(one), steps, AppliedMethods({}, {}), settings, rate, seed).run(checkpoint, quiet)
    state = checkpoint.load()
    assert state is not None
    return state


def moments(state: TrainingState) -> dict[str, torch.Tensor]:
    """AdamW's first moments: after one step a tenth of the (clipped) gradient."""
    return {key.partition("/")[2]: tensor for key, tensor in state.tensors.items() if key.startswith("exp_avg/")}


def plain_loss(one: CausalModel, rows: Sequence[Encoded]) -> torch.Tensor:
    """Mean over all response tokens of all rows, one row at a time, all logits, without any code of ours."""
    losses = []
    for row in rows:
        logits = one.model(input_ids=torch.tensor([row.ids])).logits[0]
        first = row.prompt_length
        losses.append(F.cross_entropy(logits[first - 1 : -1], torch.tensor(row.ids[first:]), reduction="none"))
    return torch.cat(losses).mean()


@pytest.mark.parametrize("step", [[[0, 1, 2, 3]], [[0], [1], [2], [3]], [[3, 0], [2, 1]]])
def test_a_step_goes_down_the_mean_over_its_tokens_however_they_fall_into_micro_batches(
    bases: BaseModels, config: Config, tmp_path: Path, step: Step
) -> None:
    reference = view(bases)
    loss = plain_loss(reference, [example.row for example in examples(reference)])
    loss.backward()  # type: ignore[no-untyped-call]  # torch ships this method unannotated
    gradients = {n: p.grad for n, p in reference.model.named_parameters() if p.grad is not None}
    length = float(torch.cat([g.flatten() for g in gradients.values()]).norm())
    unclipped = config.model_copy(
        update={"training": config.training.model_copy(update={"max_grad_norm": 10 * length, "warmup_share": 0.0})}
    )
    state = trained(view(bases), [step], unclipped, tmp_path / "checkpoint")
    assert state.losses == pytest.approx([float(loss.detach())], rel=1e-5)
    found = moments(state)
    assert found.keys() == gradients.keys()
    for name, gradient in gradients.items():
        assert torch.allclose(found[name] * 10, gradient, rtol=1e-3, atol=1e-5 * length), name


def test_a_round_ends_alike_however_its_rows_fall_into_micro_batches(
    bases: BaseModels, config: Config, tmp_path: Path
) -> None:
    """Six steps, with clipping and warm-up: rounding may add up (to 2e-7 in the golden curve), nothing else."""
    wide: list[Step] = [[[0, 1, 2, 3]]] * 6
    narrow: list[Step] = [[[0], [3, 1], [2]]] * 6
    one = trained(view(bases), wide, config, tmp_path / "wide")
    other = trained(view(bases), narrow, config, tmp_path / "narrow")
    assert one.losses == pytest.approx(other.losses, rel=1e-4)
    assert one.losses[-1] < one.losses[0]


def test_a_long_gradient_is_clipped(bases: BaseModels, config: Config, tmp_path: Path) -> None:
    short = config.model_copy(update={"training": config.training.model_copy(update={"max_grad_norm": 0.01})})
    state = trained(view(bases), [[[0, 1, 2, 3]]], short, tmp_path / "checkpoint")
    norm = torch.cat([moment.flatten() for moment in moments(state).values()]).norm()
    assert float(norm) * 10 == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("warmup", [0.0, 0.5])
def test_the_weights_move_by_the_rate_of_the_schedule(
    bases: BaseModels, config: Config, tmp_path: Path, warmup: float
) -> None:
    """AdamW's first step moves each weight with a gradient by the rate, without decay of any."""
    settings = config.model_copy(update={"training": config.training.model_copy(update={"warmup_share": warmup})})
    start = {n: p.detach().clone() for n, p in view(bases).model.named_parameters() if p.requires_grad}
    steps: list[Step] = [[[0, 1, 2, 3]]] * 8
    checkpoint = Checkpoint(tmp_path / "checkpoint")
    one = view(bases)

    class Enough(Exception):
        """The first step is made."""

    def stop(done: int, total: int) -> None:
        raise Enough

    training = settings.training.model_copy(update={"checkpoint_steps": 1})
    with pytest.raises(Enough):
        AdapterTraining(one, examples(one), steps, AppliedMethods({}, {}), training, 0.02, 0).run(checkpoint, stop)
    state = checkpoint.load()
    assert state is not None
    moved = torch.cat([(state.tensors[f"weight/{n}"] - weight).abs().flatten() for n, weight in start.items()])
    expected = 0.02 * rate_factor(0, 8, warmup)
    assert float(moved.median()) == pytest.approx(expected, rel=0.02)
    assert float(moved.max()) <= expected * 1.001


def test_each_step_draws_its_own_dropout(bases: BaseModels, config: Config, tmp_path: Path) -> None:
    """At a rate of almost nothing only dropout changes the loss from step to step."""
    steps: list[Step] = [[[0, 1, 2, 3]]] * 4
    state = trained(view(bases, dropout=0.5), steps, config, tmp_path / "checkpoint", rate=1e-12)
    assert len({round(loss, 6) for loss in state.losses}) == 4
    still = trained(view(bases), steps, config, tmp_path / "still", rate=1e-12)
    assert still.losses == pytest.approx([still.losses[0]] * 4, rel=1e-6)
