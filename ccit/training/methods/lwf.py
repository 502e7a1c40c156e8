"""Distillation from the incumbent."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.training import MethodContext
from ccit.training.methods.teaching import Teaching


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

    class Settings(PluginSettings):
        """How hard the teacher is listened to."""

        kind: Literal["lwf"] = "lwf"
        strength: float = Field(1.0, ge=0, description="weight of the distance to the teacher, beside the loss's 1")
        temperature: float = Field(2.0, gt=0, description="both distributions are softened by it; the papers take 2")
        part: str = Field("", description="part of the round that is taught; empty is all of it")

    def __init__(self, settings: Settings, context: MethodContext) -> None:
        super().__init__(settings.strength, settings.temperature, settings.part, adapted=True)
