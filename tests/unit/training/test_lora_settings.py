"""What settings and methods change of a round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from ccit.models.adapter_format import read_adapter
from ccit.ports.training import Method, MicroBatch, TrainingStart
from ccit.store.files import FileStore
from ccit.training.applied import AppliedMethods
from tests.unit.training.tiny_rounds import TinyRounds

pytestmark = pytest.mark.trains


class Counting(Method):
    """Counts the hooks that the loop calls, and leaves the count with the version."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.found: Mapping[str, bytes] = {}
        self.parts: list[str] = []

    def prepare(self, start: TrainingStart) -> None:
        self.calls["prepare"] += 1
        self.found = start.files
        self.parts = [example.part for example in start.examples]

    def loss(self, loss: torch.Tensor, batch: MicroBatch) -> torch.Tensor:
        self.calls["loss"] += 1
        return loss + 1000.0 * batch.share  # no gradient: it must not show in the losses that are reported

    def after_backward(self) -> None:
        self.calls["after_backward"] += 1

    def after_step(self) -> None:
        self.calls["after_step"] += 1

    def finish(self) -> Mapping[str, bytes]:
        return {"count": str(self.calls["after_step"]).encode()}


def test_a_method_is_called_at_its_places_and_its_files_travel_with_the_version(
    rounds: TinyRounds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = rounds.train(tmp_path / "plain")
    made: list[Counting] = []

    def counting(settings: object, context: object, files: Mapping[str, bytes]) -> AppliedMethods:
        made.append(Counting())
        return AppliedMethods({"counting": made[-1]}, files)

    monkeypatch.setattr("ccit.training.lora.AppliedMethods.made", counting)
    first = rounds.train(tmp_path)
    assert first.losses == plain.losses
    assert made[0].calls.pop("loss") > 8  # once for each micro-batch
    assert made[0].calls == {"prepare": 1, "after_backward": 8, "after_step": 8}
    assert made[0].parts == 8 * ["training"] + 4 * ["general"] + 2 * ["replay"]
    stored = FileStore(tmp_path).read(first.adapters.deployed)
    assert stored["methods/counting/count"] == b"8"
    rounds.train(tmp_path, 1, parent=rounds.version(first))
    assert [method.found for method in made] == [{}, {}, {"count": b"8"}, {"count": b"8"}]


def test_a_pull_to_the_incumbent_keeps_the_weights_near_it(rounds: TinyRounds, tmp_path: Path) -> None:
    """B is 0 in fresh weights, so its size is how far training went."""

    def size_of_b(strength: float) -> float:
        methods = [{"kind": "l2_to_incumbent", "strength": strength}]
        root = tmp_path / str(strength)
        trained = rounds.train(root, settings=rounds.settings(methods=methods))
        tensors = read_adapter(FileStore(root).read(trained.adapters.deployed))[1]
        return sum(tensor.square().sum().item() for name, tensor in tensors.items() if "lora_B" in name)

    assert size_of_b(10.0) < 0.5 * size_of_b(0.0)


BOTH = {"deployed", "proxy"}


@pytest.mark.parametrize(
    ("key", "value", "moved"),
    [
        ("learning_rate", 0.02, {"deployed"}),
        ("proxy_learning_rate", 0.02, {"proxy"}),
        ("dropout", 0.5, BOTH),
        ("alpha", 16, BOTH),
        ("max_grad_norm", 0.01, BOTH),
        ("warmup_share", 0.9, BOTH),
        ("batch_size", 3, BOTH),
        ("max_tokens", 40, BOTH),
        ("checkpoint_steps", 1, set()),
    ],
)
def test_each_setting_reaches_what_it_is_for(
    rounds: TinyRounds, tmp_path: Path, key: str, value: float, moved: set[str]
) -> None:
    def weights(update: dict[str, float]) -> dict[str, str]:
        pair = rounds.train(tmp_path / str(len(update)), settings=rounds.settings(epochs=1, **update)).adapters
        name = "adapter_model.safetensors"
        return {"deployed": pair.deployed.files[name], "proxy": pair.proxy.files[name]}

    usual, other = weights({}), weights({key: value})
    assert {role for role in BOTH if usual[role] != other[role]} == moved


def test_a_round_from_the_base_begins_with_an_imported_adapter_on_the_deployed_model_alone(
    rounds: TinyRounds, tmp_path: Path
) -> None:
    fresh = rounds.train(tmp_path)
    settings = rounds.settings(start=fresh.adapters.deployed.uri)
    begun = rounds.train(tmp_path, settings=settings)
    assert begun.losses["deployed_first"] < fresh.losses["deployed_first"]
    assert begun.adapters.proxy == fresh.adapters.proxy
    later = rounds.train(tmp_path, 1, settings, rounds.version(fresh))
    assert later.losses["proxy_first"] < fresh.losses["proxy_first"]  # from the parent, whatever `start` says
