"""Samples weighted, while training goes on, by how near they are to a part of the round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.training import MethodContext, MicroBatch, Tensors
from ccit.training.methods.reweighting import Reweighting

if TYPE_CHECKING:
    import torch

_FOLLOWS = 0.1  # how far the means move towards what a step has seen


@plugin("method")
class Similarity(Reweighting):
    """Weights each sample by the likeness of its hidden states to those of a part of the round; none is left out.

    Online reweighting in the manner of ADAPT (Zhao et al. 2026, arXiv 2605.05227), which compares with a validation
    set; a method here sees no validation part, so it compares with `part`. With h the mean hidden state of a sample's
    response, c the moving mean of h over the samples of that part, and z the moving mean of e^(cosine / temperature):

        weight = e^(cosine(h, c) / temperature) / z

    Both means move by a tenth towards what a step has seen, after it, so that a weight does not depend on how the step
    is divided; until there are a c and a z all weights are 1. Cost: none to speak of.

    Example
    -------
    >>> Similarity.Settings().part
    'replay'
    """

    class Settings(PluginSettings):
        """Near to what, and how much that counts."""

        kind: Literal["similarity"] = "similarity"
        part: str = Field("replay", description="part of the round that samples are compared with")
        temperature: float = Field(0.5, gt=0, description="the smaller, the more the nearest count")

    def __init__(self, settings: Settings, context: MethodContext) -> None:
        self._part = settings.part
        self._temperature = settings.temperature
        self._means: dict[str, torch.Tensor] = {}  # `centre` (D,), and `usual`, a number
        self._seen: dict[str, list[torch.Tensor]] = {}  # of this step

    def weights_of(self, batch: MicroBatch) -> torch.Tensor:
        """By likeness; the hidden states are kept for the end of the step."""
        import torch

        lengths = [example.row.response_tokens for example in batch.examples]
        means = [states.float().mean(dim=0) for states in torch.split(batch.states.detach(), lengths)]
        near = [mean for example, mean in zip(batch.examples, means, strict=True) if example.part == self._part]
        self._seen.setdefault("centre", []).extend(near)
        weights = torch.ones(len(means), device=batch.losses.device)
        if "centre" in self._means:
            cosines = torch.nn.functional.cosine_similarity(torch.stack(means), self._means["centre"][None])
            raw = (cosines / self._temperature).exp()
            self._seen.setdefault("usual", []).extend(raw)
            if "usual" in self._means:
                weights = raw / self._means["usual"]
        return weights.repeat_interleave(torch.tensor(lengths, device=weights.device)).to(batch.losses)

    def after_step(self) -> None:
        """Move both means."""
        import torch

        for name, seen in self._seen.items():
            if seen:
                mean = torch.stack(seen).mean(dim=0)
                held = self._means.get(name, mean)
                self._means[name] = held + _FOLLOWS * (mean - held)
        self._seen.clear()

    def state(self) -> Tensors:
        """The means."""
        return dict(sorted(self._means.items()))

    def load_state(self, state: Tensors) -> None:
        """Go on with those of an earlier process."""
        self._means = {name: tensor.clone() for name, tensor in state.items()}
