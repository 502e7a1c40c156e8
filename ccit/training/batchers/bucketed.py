"""Samples of similar length together, so that little is padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from ccit.models.bucketing import bucket
from ccit.plugins import PluginSettings, plugin
from ccit.ports.training import BatcherContext


@plugin("batcher")
class BucketedBatcher:
    """Puts samples of similar length into one micro-batch, the longest first.

    Length bucketing (Khomenko et al. 2016, arXiv 1708.05604): a batch costs rows times its longest row.

    Example
    -------
    >>> BucketedBatcher(BucketedBatcher.Settings(), BatcherContext(budget=60)).batches([30, 10, 29, 9])
    [[0, 2], [1, 3]]
    """

    packs: ClassVar[bool] = False

    class Settings(PluginSettings):
        """Nothing to set: the size of a micro-batch is `training.batch_tokens`."""

        kind: Literal["bucketed"] = "bucketed"

    def __init__(self, settings: Settings, context: BatcherContext) -> None:
        self._budget = context.budget

    def batches(self, lengths: Sequence[int]) -> list[list[int]]:
        """Numbers of samples by micro-batch."""
        return bucket(lengths, self._budget)
