"""No source fills the model alone: at most so many samples of each, whatever policy chooses among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ccit.plugin_tables import OneOf
from ccit.plugins import PluginSettings, build, plugin
from ccit.ports.selection import Choices, Policy, PolicyContext, Reasons, Scored
from ccit.records import Decision

_WITHIN = OneOf("policy", "thresholds", without=("source_quota",))
_FULL = "quota_reached"
_OWN: Reasons = {_FULL: ("Quota of its source reached", "its source has given as many samples as it may")}
_Count = Annotated[int, Field(ge=0)]


class _State(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sources: dict[str, int]
    within: dict[str, Any]


@plugin("policy")
class SourceQuotaPolicy:
    """Takes at most `most` samples of each source, as another policy chooses them.

    The quota is a number and not a share: about 250 poisoned documents suffice to put a backdoor into a model, however
    much clean text stands beside them (Souly et al. 2025, arXiv 2510.07192). It counts what was ever accepted, over
    all rounds; a source that may give more is named in `sources`. Only what its source has room for reaches the
    policy within, in stream order; room that this policy leaves is offered to the samples that come next. The control
    arm lies beside every policy: of each source it takes `selection.control_share` more.

    Example
    -------
    >>> from ccit.records import Sample
    >>> policy = SourceQuotaPolicy(SourceQuotaPolicy.Settings(most=1), PolicyContext(seed=0))
    >>> policy.choose([Scored(Sample(f"s{n}", f"r{n}", "ward", "en", "Dose?", f"{n} mg."), ()) for n in range(2)])
    [None, 'quota_reached']
    """

    stateful: ClassVar[bool] = True
    reasons: Reasons = _OWN

    class Settings(PluginSettings):
        """How many a source may give, and what chooses among them."""

        model_config = ConfigDict(defer_build=True)  # its `within` is any policy: those must be known first

        kind: Literal["source_quota"] = "source_quota"
        most: int = Field(1000, ge=0, description="accepted samples of one source, over all rounds")
        sources: dict[str, _Count] = Field(default_factory=dict, description="sources that may give another number")
        within: Annotated[PluginSettings, _WITHIN] = Field(
            default_factory=_WITHIN.default,
            description="the policy that chooses among what its source has room for: `kind`, then its keys",
        )

    def __init__(self, settings: Settings, context: PolicyContext) -> None:
        self._most = settings.most
        self._of_source = dict(settings.sources)
        self._within: Policy = build("policy", settings.within, context)
        self.needs = self._within.needs
        self.reasons = {**_OWN, **self._within.reasons}
        self._known: Counter[str] = Counter()
        self._chosen: Counter[str] = Counter()  # not committed yet

    def choose(self, batch: Sequence[Scored]) -> Choices:
        """As long as there is room, what the policy within takes; `quota_reached` for the others."""
        choices: list[str | None] = [_FULL] * len(batch)
        left = list(range(len(batch)))
        while offered := self._with_room(batch, left):
            for place, choice in zip(offered, self._within.choose([batch[n] for n in offered]), strict=True):
                choices[place] = choice
                if choice is None:
                    self._chosen[batch[place].sample.source] += 1
            left = sorted(set(left) - set(offered))
        return choices

    def observe(self, decisions: Sequence[Decision]) -> None:
        """Count them in, here and in the policy within."""
        self._known.update(decision.sample.source for decision in decisions)
        self._within.observe(decisions)

    def commit(self) -> None:
        """What was chosen is known."""
        self._known.update(self._chosen)
        self._chosen.clear()
        self._within.commit()

    def abort(self) -> None:
        """What was chosen was not."""
        self._chosen.clear()
        self._within.abort()

    def snapshot(self) -> Mapping[str, Any]:
        """How many of each source, and what the policy within remembers."""
        return {"sources": dict(sorted(self._known.items())), "within": dict(self._within.snapshot())}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take both back. Raises `ValueError` for what is no such state."""
        try:
            found = _State.model_validate(state)
        except ValidationError as error:
            raise ValueError(f"expected the counts of sources and a state within, found {sorted(state)}") from error
        self._within.restore(found.within)
        self._known = Counter(found.sources)

    def _with_room(self, batch: Sequence[Scored], left: Sequence[int]) -> list[int]:
        """The first of what is left, as many of each source as it has room for."""
        asked: Counter[str] = Counter()
        offered = []
        for place in left:
            source = batch[place].sample.source
            room = self._of_source.get(source, self._most) - self._known[source] - self._chosen[source]
            if asked[source] < room:
                asked[source] += 1
                offered.append(place)
        return offered
