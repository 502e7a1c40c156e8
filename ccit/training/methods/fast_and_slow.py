"""Two adapters: a fast one that learns, and a slow one that is deployed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.training import Method, MethodContext, Tensors, TrainingStart

_FILE = "fast.safetensors"


@plugin("method")
class FastAndSlow(Method):
    """Trains a fast adapter that goes on from round to round; the candidate is a slow one that follows it.

    Complementary learning systems (McClelland, McNaughton & O'Reilly 1995; for networks Arani, Sarfraz & Zonooz 2022,
    arXiv 2201.12604). After each round, in the updates B A of each layer:

        slow = (1 - rate) * slow + rate * fast

    cut to the adapter's rank (`ccit/models/low_rank.py`). The first round makes both alike. Unlike `average`, the next
    round does not start from what is deployed: the fast adapter travels with the version and learns on. Methods before
    it in the list see the incumbent's weights when they prepare, those after it the fast ones. Cost: a file of the
    adapter's size with each version, and a decomposition of two small matrices a layer once a round.

    Example
    -------
    >>> import torch
    >>> start = {"q.lora_A.w": torch.tensor([[1.0]]), "q.lora_B.w": torch.tensor([[2.0]])}
    >>> method = FastAndSlow(FastAndSlow.Settings(rate=0.25), MethodContext("proxy", seed=0))
    >>> method.prepare(TrainingStart(None, start, [], {}))
    >>> found = method.adapter({"q.lora_A.w": torch.tensor([[1.0]]), "q.lora_B.w": torch.tensor([[6.0]])})
    >>> (found["q.lora_B.w"] @ found["q.lora_A.w"]).round(decimals=4)  # 0.75 * 2 + 0.25 * 6
    tensor([[3.]])
    """

    class Settings(PluginSettings):
        """How fast the slow one follows."""

        kind: Literal["fast_and_slow"] = "fast_and_slow"
        rate: float = Field(0.5, gt=0, le=1, description="weight of the fast adapter in what is deployed, each round")

    turns_directions = True

    def __init__(self, settings: Settings, context: MethodContext) -> None:
        self._rate = settings.rate
        self._slow: Tensors = {}
        self._fast: Tensors = {}

    def prepare(self, start: TrainingStart) -> None:
        """The slow one is the incumbent; training goes on with the fast one, where there is one."""
        import torch
        from safetensors.torch import load

        self._slow = {name: weight.detach().clone() for name, weight in start.weights.items()}
        held = load(start.files[_FILE]) if _FILE in start.files else {}
        with torch.no_grad():
            for name, weight in start.weights.items():
                weight.copy_(held.get(name, weight))

    def adapter(self, weights: Tensors) -> Tensors:
        """The slow adapter, a step nearer to the fast one."""
        from ccit.models.low_rank import factor_names, weighted_sums

        self._fast = {name: weight.detach().clone() for name, weight in weights.items()}
        if not any(bool(self._slow[b].any()) for _, b in factor_names(list(weights))):
            return weights  # the base has no update to be slow about
        return weighted_sums([(self._rate, weights), (1 - self._rate, self._slow)], weights)

    def finish(self) -> Mapping[str, bytes]:
        """The fast adapter."""
        from safetensors.torch import save

        return {_FILE: save({name: weight.cpu().contiguous() for name, weight in self._fast.items()})}
