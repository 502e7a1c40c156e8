from pathlib import Path

import torch

from ccit.training.checkpoint import Checkpoint, TrainingState


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "round" / "file")
    assert checkpoint.load() is None
    checkpoint.save(TrainingState([0.1, 0.2], {"weight/a": torch.tensor([1.5]), "step/a": torch.tensor(2.0)}))
    state = checkpoint.load()
    assert state is not None
    assert state.losses == [0.1, 0.2]
    assert state.step == 2
    assert {name: tensor.tolist() for name, tensor in state.tensors.items()} == {"weight/a": [1.5], "step/a": 2.0}


def test_a_damaged_checkpoint_is_not_parsed(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "file")
    checkpoint.save(TrainingState([0.1], {"weight/a": torch.tensor([1.5])}))
    content = bytearray((tmp_path / "file").read_bytes())
    content[-1] ^= 1
    (tmp_path / "file").write_bytes(content)
    assert checkpoint.load() is None
    checkpoint.remove()
    checkpoint.remove()
