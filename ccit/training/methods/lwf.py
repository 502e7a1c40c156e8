"""Distillation from the incumbent."""

from __future__ import annotations

from typing import Literal

from ccit.plugins import plugin
from ccit.ports.training import MethodContext
from ccit.training.methods.teaching import Teaching, TeachingSettings


@plugin("method")
class LearningWithoutForgetting(Teaching):
    """Holds the predictions near the incumbent's on the very samples that are learned (learning without forgetting).

    Li & Hoiem 2016, arXiv 1606.09282, with Hinton's temperature (arXiv 1503.02531). No old sample is needed:

        loss + strength * T^2 * mean over response tokens of KL(incumbent || model)

    in nats per response token. In the first round the incumbent is the base model. Cost: one more forward pass per
    token, 2 N FLOPs beside the 4 N of training, and a second copy of the adapter.

    Example
    -------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ccit.models.causal import load_causal, trainable
    >>> from ccit.ports.training import TrainingStart
    >>> from ccit.testing import random_model
    >>> base = load_causal(str(random_model(Path(tempfile.mkdtemp()))), device="cpu")
    >>> view = trainable(base, 2, 4, 0.0, "all-linear", seed=0)
    >>> method = LearningWithoutForgetting(LearningWithoutForgetting.Settings(), MethodContext("proxy", seed=0))
    >>> method.prepare(TrainingStart(view, {}, [], {}))
    >>> method.spent().tokens  # nothing has been taught yet
    0
    """

    class Settings(TeachingSettings):
        """How hard the incumbent is listened to."""

        kind: Literal["lwf"] = "lwf"

    def __init__(self, settings: Settings, context: MethodContext) -> None:
        super().__init__(settings, adapted=True)
