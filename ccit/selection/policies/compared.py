"""What a policy inherits that compares a sample with all that has come: a budget, and a reference drawn by lot."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Generic, Self, TypeVar

from pydantic import Field, model_validator

from ccit.plugins import PluginSettings
from ccit.ports.selection import Choices, PolicyContext, Scored
from ccit.selection.lots import lot
from ccit.selection.policies.stateful import Stateful
from ccit.selection.reference import Reference

_Rule = Callable[[float], float]  # from a value to the chance of being taken
_Tally = TypeVar("_Tally", bound=Reference)


class ComparedSettings(PluginSettings):
    """How much is taken, and how much of it by lot."""

    share: float = Field(0.33, gt=0, le=1, description="share that is taken of the samples that no check refused")
    reference_share: float = Field(
        0.1,
        gt=0,
        le=1,
        description="share that is taken by lot, whatever its scores: what others are compared with; part of `share`",
    )
    reference_size: int = Field(256, ge=2, description="values that are kept of each stratum and version")
    least: int = Field(
        20, ge=2, description="values without which nothing is compared: `share` is drawn by lot until they are there"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.reference_share > self.share:
            raise ValueError(
                f"reference_share ({self.reference_share}) is above share ({self.share}), it is part of it"
            )
        if self.least > self.reference_size:
            raise ValueError(f"least ({self.least}) is above reference_size ({self.reference_size}), it keeps no more")
        return self


class Compared(Stateful[_Tally], Generic[_Tally]):
    """Takes each sample with a chance that follows from how its value stands among those of the reference.

    Of the samples `reference_share` is taken in any case; of the others so many that `share` is taken in all. A sample
    without a value, and all of them until the reference has `least` values, have equal chances. Compared is with what
    was there when the batch began.
    """

    def __init__(self, settings: ComparedSettings, context: PolicyContext, empty: _Tally) -> None:
        super().__init__(empty)
        self._budget = settings
        self._seed = context.seed
        self._rest = (settings.share - settings.reference_share) / max(1 - settings.reference_share, 1e-9)

    def choose(self, batch: Sequence[Scored]) -> Choices:
        """The reference by lot; the others by their chances."""
        rules: dict[tuple[int, str], _Rule] = {}
        chances = [self._chance_of(scored, rules) for scored in batch]
        return [self._choice(scored, chance) for scored, chance in zip(batch, chances, strict=True)]

    @abstractmethod
    def _value(self, scored: Scored) -> float | None:
        """What is compared; None where it is not known."""

    def _stratum(self, scored: Scored) -> str:
        """Among which values it is compared: all of the version, unless a subclass knows better."""
        return ""

    @abstractmethod
    def _rule(self, reference: Sequence[float], rest: float) -> _Rule:
        """From a value to its chance, such that of values like the reference (in order) a share of `rest` is taken."""

    @abstractmethod
    def _left_out(self) -> str:
        """The reason for what is not taken."""

    def _is_due(self, scored: Scored) -> bool:
        """Whether it is taken whatever its value."""
        return self._lot(scored) < self._budget.reference_share

    def _count(self, tally: _Tally, accepted: Scored) -> None:
        value = self._value(accepted)
        if value is not None and self._lot(accepted) < self._budget.reference_share:
            size = self._budget.reference_size
            tally.add(accepted.proxy_version, self._stratum(accepted), self._lot(accepted), value, size)

    def _chance_of(self, scored: Scored, rules: dict[tuple[int, str], _Rule]) -> float:
        value = self._value(scored)
        if value is None:
            return self._rest
        among = scored.proxy_version, self._stratum(scored)
        if among not in rules:
            reference = self._tally.values(*among, self._budget.least)
            rules[among] = self._rule(reference, self._rest) if reference else lambda _: self._rest
        return rules[among](value)

    def _choice(self, scored: Scored, chance: float) -> str | None:
        if self._is_due(scored) or lot(self._seed, "compared", scored.sample.sample_id) < chance:
            self._take(scored)
            return None
        return self._left_out()

    def _lot(self, scored: Scored) -> float:
        return lot(self._seed, "reference", scored.sample.sample_id)
