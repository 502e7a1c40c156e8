"""Elastic weight consolidation that forgets, slowly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.training import MethodContext
from ccit.training.methods.fisher import FisherPenalty


@plugin("method")
class OnlineEwc(FisherPenalty):
    """Holds each weight near the incumbent's by an importance in which older rounds count less and less.

    Online EWC (Schwarz et al. 2018, Progress & Compress, arXiv 1805.06370), on the LoRA weights. With F_n the diagonal
    of the empirical Fisher information of round n's own samples (per response token), and I_0 = 0:

        I_n = decay * I_(n-1) + F_n
        loss + strength / 2 * sum over weights of I_(n-1) (w - w_incumbent)^2

    Unlike `ewc` it does not pull back to weights of long ago. Cost: as `ewc`.

    Example
    -------
    >>> OnlineEwc.Settings().decay
    0.9
    """

    class Settings(PluginSettings):
        """How hard it holds, how it measures, and how fast it forgets."""

        kind: Literal["online_ewc"] = "online_ewc"
        strength: float = Field(100.0, ge=0, description="weight of the penalty; 1 is what the theory says")
        samples: int = Field(64, ge=1, description="samples of a round that importance is measured on, at most")
        decay: float = Field(0.9, ge=0, le=1, description="what remains of an importance after a round, 0 to 1")

    def __init__(self, settings: Settings, context: MethodContext) -> None:
        super().__init__(settings.strength, settings.samples, context.seed)
        self._decay = settings.decay

    def finish(self) -> Mapping[str, bytes]:
        """Let the old fade, add the new; the candidate's weights are the next centre."""
        fisher = self.fisher()
        faded = {name: self._decay * held + fisher[name] for name, held in self.importance.items()}
        return self.memory(faded, self.weights)
