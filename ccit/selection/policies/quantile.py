"""The best of each kind: a running quantile with a budget per stratum, and a floor for rare ones."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

from pydantic import Field

from ccit.plugins import plugin
from ccit.ports.selection import PolicyContext, Reasons, Scored
from ccit.records import Sample
from ccit.scoring.languages import language_of
from ccit.selection.policies.compared import Compared, ComparedSettings
from ccit.selection.reference import Reference

Part = Literal["domain", "language", "length"]


class Strata(Reference):
    """The reference of each stratum, and how many of it were accepted."""

    accepted: dict[str, int] = Field(default_factory=dict)


@plugin("policy")
class QuantilePolicy(Compared[Strata]):
    """Takes the best `share` by one score, in each stratum of domain, language and length.

    A fixed threshold fits one model, one language and one kind of text. The quantile moves with the stream and with the
    versions: it is estimated from a reference that is drawn by lot from the same stratum, under the same version
    (`ccit/selection/reference.py`). What ties with the quantile is drawn by lot, so that the budget holds for scores
    with few values too. The first `floor` samples of a stratum are taken whatever their scores: a rare disease or
    language is not left out because its scores are strange.

    The language is identified from the text (`ccit/scoring/languages.py`). The domain is the sample's `group`, or its
    source where it has none. Whoever invents groups gets a floor for each: put `source_quota` around it where sources
    are not trusted.

    Example
    -------
    >>> from ccit.records import Score
    >>> settings = QuantilePolicy.Settings(share=0.3, reference_share=0.1, least=2, floor=0, strata=())
    >>> policy = QuantilePolicy(settings, PolicyContext(seed=0))
    >>> def batch(begin):
    ...     samples = [Sample(f"s{n}", "r", "ward", "en", "Dose?", f"{n} mg.") for n in range(begin, begin + 400)]
    ...     return [Scored(one, (Score("ifd", n % 100 / 100, ""),)) for n, one in enumerate(samples)]
    >>> _ = policy.choose(batch(0))  # mostly by lot
    >>> taken = [n % 100 for n, choice in enumerate(policy.choose(batch(400))) if choice is None]
    >>> sum(value >= 70 for value in taken) / len(taken) > 0.7
    True
    """

    needs: ClassVar[tuple[str, ...] | None] = None
    reasons: ClassVar[Reasons] = {
        "below_quantile": ("Below the quantile", "of its kind of text, others are more worth the tokens")
    }

    class Settings(ComparedSettings):
        """Which score, and which strata."""

        kind: Literal["quantile"] = "quantile"
        metric: str = Field("ifd", description="the score that is compared; a check that gives it must be on")
        prefer: Literal["high", "low", "middle"] = Field(
            "high", description="which values are the best: `middle` those nearest to the stratum's median"
        )
        strata: tuple[Part, ...] = Field(
            ("domain", "language", "length"), description="what makes a stratum; none compares with everything"
        )
        length_bounds: tuple[int, ...] = Field(
            (400, 1600), description="characters of a response at which the next bin of length begins"
        )
        floor: int = Field(8, ge=0, description="samples of each stratum that are taken first, whatever their scores")

    def __init__(self, settings: Settings, context: PolicyContext) -> None:
        super().__init__(settings, context, Strata())
        self._settings = settings
        self._bounds = sorted(settings.length_bounds)

    def _value(self, scored: Scored) -> float | None:
        return scored.value(self._settings.metric)

    def _stratum(self, scored: Scored) -> str:
        return "\t".join(self._part(part, scored.sample) for part in self._settings.strata)

    def _part(self, part: Part, sample: Sample) -> str:
        if part == "length":
            return str(bisect_right(self._bounds, len(sample.response)))
        return language_of(sample) if part == "language" else sample.group or sample.source

    def _rule(self, reference: Sequence[float], rest: float) -> Callable[[float], float]:
        """A value is ranked among the reference and itself: so the share is met however few values there are."""
        median = reference[len(reference) // 2]

        def worth(value: float) -> float:
            return {"high": value, "low": -value, "middle": -abs(value - median)}[self._settings.prefer]

        ranked = sorted(map(worth, reference))

        def chance(value: float) -> float:
            better = len(ranked) - bisect_right(ranked, worth(value))
            equal = len(ranked) - better - bisect_left(ranked, worth(value))
            wanted = rest * (len(ranked) + 1) - better
            return min(1.0, max(0.0, wanted / (equal + 1)))

        return chance

    def _is_due(self, scored: Scored) -> bool:
        few = self._tally.accepted.get(self._stratum(scored), 0) < self._settings.floor
        return few or super()._is_due(scored)

    def _count(self, tally: Strata, accepted: Scored) -> None:
        stratum = self._stratum(accepted)
        tally.accepted[stratum] = tally.accepted.get(stratum, 0) + 1
        super()._count(tally, accepted)

    def _left_out(self) -> str:
        return "below_quantile"
