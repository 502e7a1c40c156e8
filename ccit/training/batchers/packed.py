"""Samples one behind the other in one row, with almost no padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from ccit.models.bucketing import bins
from ccit.plugins import PluginSettings, plugin
from ccit.ports.training import BatcherContext


@plugin("batcher")
class PackedBatcher:
    """Puts samples into as few micro-batches as their tokens fill, each one row whose samples do not see each other.

    Packing (Krell et al. 2021, arXiv 2107.02027) by first fit, the longest first: at most 1.7 times the fewest possible
    micro-batches, and in practice one of a step's. Attention is block-diagonal (`ccit/models/packing.py`), so the loss
    is that of the samples apart, up to rounding.

    Example
    -------
    >>> PackedBatcher(PackedBatcher.Settings(), BatcherContext(budget=60)).batches([30, 10, 29, 9])
    [[0, 2], [1, 3]]
    """

    packs: ClassVar[bool] = True

    class Settings(PluginSettings):
        """Nothing to set: the size of a micro-batch is `training.batch_tokens`."""

        kind: Literal["packed"] = "packed"

    def __init__(self, settings: Settings, context: BatcherContext) -> None:
        self._budget = context.budget

    def batches(self, lengths: Sequence[int]) -> list[list[int]]:
        """Numbers of samples by micro-batch."""
        return bins(lengths, self._budget)
