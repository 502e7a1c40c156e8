"""Distillation from the base model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ccit.plugins import plugin
from ccit.ports.training import MethodContext
from ccit.training.methods.teaching import Teaching, TeachingSettings


@plugin("method")
class SelfDistillation(Teaching):
    """Holds the predictions near those of the model with its adapter switched off.

    What the base model would say is the memory of what it could do before any round: distillation (Hinton, Vinyals &
    Dean 2015, arXiv 1503.02531) with the base as the teacher, which costs no second model, as the penalty on the
    distance to the reference model does in preference learning (Ouyang et al. 2022, arXiv 2203.02155):

        loss + strength * T^2 * mean over response tokens of KL(base || model)

    in nats per response token. Elsewhere than on general data it pulls away what earlier rounds taught. Cost: one
    more forward pass per taught token, 2 N FLOPs beside the 4 N of training.

    Example
    -------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ccit.models.causal import load_causal, trainable
    >>> from ccit.ports.training import TrainingStart
    >>> from ccit.testing import random_model
    >>> base = load_causal(str(random_model(Path(tempfile.mkdtemp()))), device="cpu")
    >>> view = trainable(base, 2, 4, 0.0, "all-linear", seed=0)
    >>> method = SelfDistillation(SelfDistillation.Settings(), MethodContext("proxy", seed=0))
    >>> method.prepare(TrainingStart(view, {}, [], {}))
    >>> method.spent().tokens  # nothing has been taught yet
    0
    """

    class Settings(TeachingSettings):
        """How hard the base is listened to, and where."""

        kind: Literal["self_distillation"] = "self_distillation"
        part: str = Field("general", description="part of the round that is taught; empty is all of it")

    def __init__(self, settings: Settings, context: MethodContext) -> None:
        super().__init__(settings, adapted=False)
