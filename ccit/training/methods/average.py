"""The average of the candidate with the version it comes from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.training import Method, MethodContext, Tensors, TrainingStart


@plugin("method")
class Average(Method):
    """Makes the candidate of a weighted average of what was trained and the incumbent, or the base model.

    WiSE-FT (Wortsman et al. 2021, arXiv 2109.01903) with the base, a model soup of two (Wortsman et al. 2022, arXiv
    2203.05482) with the incumbent. What is averaged is the update B A of each layer, never its factors:

        B A = share * B_trained A_trained + (1 - share) * B_other A_other

    With the base, whose update is zero, that is exact: B is scaled. With the incumbent it has up to twice the rank, and
    the nearest update of the adapter's rank is taken (by singular values, `ccit/models/low_rank.py`); from the base to
    the first version it is exact too. Cost: a decomposition of two small matrices a layer, once a round.

    Example
    -------
    >>> import torch
    >>> start = {"q.lora_A.w": torch.tensor([[1.0, 0.0]]), "q.lora_B.w": torch.tensor([[2.0]])}
    >>> method = Average(Average.Settings(share=0.5), MethodContext("proxy", seed=0))
    >>> method.prepare(TrainingStart(None, start, [], {}))
    >>> found = method.adapter({"q.lora_A.w": torch.tensor([[1.0, 0.0]]), "q.lora_B.w": torch.tensor([[4.0]])})
    >>> (found["q.lora_B.w"] @ found["q.lora_A.w"]).round(decimals=4)
    tensor([[3., 0.]])
    """

    class Settings(PluginSettings):
        """With whom, and how much of each."""

        kind: Literal["average"] = "average"
        share: float = Field(0.5, ge=0, le=1, description="weight of what was trained; the other has the rest")
        other: Literal["incumbent", "base"] = Field(
            "incumbent", description="`incumbent` (a soup along the line of versions) or `base` (WiSE-FT)"
        )

    def __init__(self, settings: Settings, context: MethodContext) -> None:
        self._share = settings.share
        self._with_incumbent = settings.other == "incumbent"
        self.turns_directions = self._with_incumbent
        self._incumbent: Tensors = {}

    def prepare(self, start: TrainingStart) -> None:
        """Remember where the weights began."""
        self._incumbent = {name: weight.detach().clone() for name, weight in start.weights.items()}

    def adapter(self, weights: Tensors) -> Tensors:
        """The average of the updates."""
        from ccit.models.low_rank import weighted_sums

        rest = [(1 - self._share, self._incumbent)] if self._with_incumbent else []
        return weighted_sums([(self._share, weights), *rest], weights)
