"""Is the response long enough to teach something, and short enough to be read?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from ccit.plugins import PluginSettings, plugin
from ccit.ports.selection import CheckContext, Reasons, Refuses
from ccit.records import Sample, Score
from ccit.scoring.sentences import split_sentences
from ccit.selection.reasons import UNSCORED

Unit = Literal["characters", "tokens", "sentences"]


@plugin("check")
class LengthCheck:
    """Refuses a response that is shorter or longer than allowed.

    It counts characters (code points, outer blanks left out), tokens of the proxy's tokenizer, or sentences. The
    paper's Lmin = 800 (arXiv 2503.15924) carries no unit; it cannot be sentences. Here the unit is in every stamp.

    Example
    -------
    >>> from ccit.testing import check_context
    >>> check = LengthCheck(LengthCheck.Settings(unit="sentences", min=3), check_context())
    >>> ((score,),) = check.score([Sample("s", "r", "ward", "en", "How long?", " Two weeks. Then come back. ")])
    >>> score.value, check.refuse(score)
    (2.0, 'too_short')
    """

    metric: ClassVar[str] = "length"
    cost: ClassVar[float] = 1.0
    refuses: ClassVar[Refuses] = "outside"
    reasons: ClassVar[Reasons] = {
        "too_short": ("Too short", "fewer words than an answer needs"),
        "too_long": ("Too long", "more than the models can read"),
    }

    class Settings(PluginSettings):
        """The response's length."""

        kind: Literal["length"] = "length"
        unit: Unit = Field("characters", description="what is counted: `characters`, `tokens` or `sentences`")
        min: int = Field(
            800, ge=0, description="shortest response, in `unit`; the paper's Lmin = 800, taken as characters"
        )
        max: int = Field(
            8_000,
            ge=1,
            description="longest response, in `unit`; 8,000 characters are about the 2,000 tokens that "
            "`training.max_tokens` has room for; a longer one is trained on without its end",
        )

        @model_validator(mode="after")
        def _ordered(self) -> Self:
            if self.min > self.max:
                raise ValueError(f"min ({self.min}) is above max ({self.max})")
            return self

    def __init__(self, settings: Settings, context: CheckContext) -> None:
        counters: Mapping[Unit, Callable[[str], int]] = {
            "characters": lambda text: len(text.strip()),
            "sentences": lambda text: len(split_sentences(text)),
            "tokens": context.count_tokens,
        }
        self._limits = settings
        self._count = counters[settings.unit]
        tokenizer = f" tokenizer={context.tokenizer()}" if settings.unit == "tokens" else ""
        self._stamp = f"length.v1 unit={settings.unit}{tokenizer}"

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        """One `length` per sample."""
        return [(Score("length", float(self._count(sample.response)), self._stamp),) for sample in samples]

    def refuse(self, score: Score) -> str | None:
        """`too_short` below `min`, `too_long` above `max`."""
        if score.value is None:
            return UNSCORED
        if score.value < self._limits.min:
            return "too_short"
        return "too_long" if score.value > self._limits.max else None
