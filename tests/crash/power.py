"""A power cut for a trainer that has a training process: both are gone at once."""

from __future__ import annotations

import os
import signal

from ccit.errors import TrainingFailed
from ccit.ports.training import Progress
from ccit.ports.training import Trainer as TrainerPort
from ccit.records import Candidate, Material, Round, Version


class PowerCut:
    """Port `Trainer`: dies by SIGKILL as soon as it hears that its training process has, before anyone acts on it.

    The failpoint strikes in the training process, so that one dies exactly there; this one a moment later, wherever
    its other threads are. A cut that took the trainer first would leave a training process that ends by itself as its
    stdin closes, at no certain point.
    """

    def __init__(self, trainer: TrainerPort) -> None:
        self._trainer = trainer

    def train(self, planned: Round, material: Material, parent: Version, progress: Progress) -> Candidate:
        try:
            return self._trainer.train(planned, material, parent, progress)
        except TrainingFailed as failure:
            if f"signal {signal.SIGKILL:d}" in str(failure):
                os.kill(os.getpid(), signal.SIGKILL)
            raise
