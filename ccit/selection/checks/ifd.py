"""Does the question help the proxy to predict the response, and is there something left to learn?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from ccit.plugins import PluginSettings, plugin
from ccit.ports.selection import CheckContext, Formula, Reasons, Refuses
from ccit.records import Sample, Score
from ccit.scoring.causes import CAUSES, cause_of
from ccit.selection.reasons import UNSCORED


@plugin("check")
class IfdCheck:
    """Refuses a response that the proxy knows already, and one that does not follow from its question.

    IFD = ppl(response | prompt) / ppl(response | anchor), a ratio of perplexities (arXiv 2503.15924, after Li et al.
    2024, arXiv 2308.12032); `formula = "losses"` takes the ratio of their logarithms, `"weighted"` counts each token by
    how much the prompt changes it. How it is measured is said in `ccit/scoring/ifd.py`. What is refused as
    `ifd_too_high` is quarantined with its likely cause (`ccit/scoring/causes.py`).

    Example
    -------
    >>> from ccit.testing import check_context
    >>> check = IfdCheck(IfdCheck.Settings(min=0.6, max=1.0), check_context())
    >>> [check.refuse(Score("ifd", value, "")) for value in (0.6, 0.8, 1.0)]
    ['ifd_too_low', None, 'ifd_too_high']
    """

    metric: ClassVar[str] = "ifd"
    cost: ClassVar[float] = 100.0
    refuses: ClassVar[Refuses] = "outside"
    reasons: ClassVar[Reasons] = {
        "ifd_too_low": ("Too easy (IFD low)", "the model already knows this answer"),
        "ifd_too_high": ("Suspicious (IFD high)", "the answer does not follow from its question"),
    }

    causes: ClassVar[Mapping[str, str]] = CAUSES

    class Settings(PluginSettings):
        """Which IFD is worth learning from, and how much the proxy reads for it."""

        kind: Literal["ifd"] = "ifd"
        formula: Formula = Field(
            "perplexities",
            description="what the IFD is a ratio of: `perplexities` (the paper), `losses`, which other code takes, or "
            "`weighted`, perplexities where a token counts by how much the question changes it; a `min` for the one "
            "does not fit another, and with `weighted` it is best 0",
        )
        min: float = Field(0.6, ge=0, description="IFD at or below which a sample is too easy")
        max: float = Field(1.0, gt=0, description="IFD at or above which the prompt does not help: misaligned")
        max_tokens: int = Field(2048, ge=16, description="tokens the proxy sees; the rest of the prompt's start is cut")
        batch_tokens: int = Field(8192, ge=64, description="padded tokens per forward pass of the proxy")

        @model_validator(mode="after")
        def _ordered(self) -> Self:
            if self.min >= self.max:
                raise ValueError(f"min ({self.min}) is not below max ({self.max})")
            return self

    def __init__(self, settings: Settings, context: CheckContext) -> None:
        self._limits = settings
        self._proxy = context.proxy(settings.max_tokens, settings.batch_tokens, settings.formula)

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        """`ifd`, `ppl_conditional` and `ppl_direct` of each sample."""
        return self._proxy.score(samples)

    def refuse(self, score: Score) -> str | None:
        """`ifd_too_low` up to `min`, `ifd_too_high` from `max` on."""
        if score.value is None:
            return UNSCORED
        if score.value <= self._limits.min:
            return "ifd_too_low"
        return "ifd_too_high" if score.value >= self._limits.max else None

    def cause(self, sample: Sample, score: Score) -> str:
        """One of `CAUSES` for what is `ifd_too_high`."""
        return cause_of(sample, score) if self.refuse(score) == "ifd_too_high" else ""
