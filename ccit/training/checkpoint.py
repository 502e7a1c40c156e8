"""Where an unfinished adapter stands: weights, moments, the methods' state, losses. One sealed safetensors file.

No random state is kept: every step seeds its own (`ccit/training/loop.py`), so a resumed run draws what the
uninterrupted one would have drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as tensor_bytes

from ccit.failpoints import failpoint
from ccit.store.sealed import read_sealed, write_sealed

_LOSSES = "losses"


@dataclass(slots=True)
class TrainingState:
    """What has been reached: the loss of each finished step (nats per response token), and the tensors."""

    losses: list[float]
    tensors: Mapping[str, torch.Tensor]

    @property
    def step(self) -> int:
        """Finished optimiser steps."""
        return len(self.losses)


class Checkpoint:
    """One file that is replaced at each save.

    Parameters
    ----------
    path : Path
        Its name must tell apart what must not be mixed up (round, parent, settings): see `ccit/training/lora.py`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def save(self, state: TrainingState) -> None:
        """Replace the file atomically. Raises `StorageFailed` when the disk is full; the last one is then kept."""
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.tensors.items()}
        write_sealed(self._path, tensor_bytes({**tensors, _LOSSES: torch.tensor(state.losses, dtype=torch.float64)}))
        failpoint("training.checkpointed")

    def load(self) -> TrainingState | None:
        """The last save; None when there is none or its digest is wrong."""
        content = read_sealed(self._path)
        if content is None:
            return None
        tensors = parse_tensors(content)
        losses = [float(loss) for loss in tensors.pop(_LOSSES)]
        return TrainingState(losses, tensors)

    @property
    def exists(self) -> bool:
        """Whether steps were saved, readable or not."""
        return self._path.exists()

    def remove(self) -> None:
        """Drop the file once its round is finished."""
        self._path.unlink(missing_ok=True)
