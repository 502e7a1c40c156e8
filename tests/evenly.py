"""A policy with a state, for tests: it keeps kinds of samples in balance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from ccit.plugins import PluginSettings
from ccit.ports.selection import Choices, PolicyContext, Reasons, Scored
from ccit.records import Decision, Sample
from ccit.selection.admission import Selector

KINDS = 3


class EvenlyPolicy:
    """Leaves out a sample whose kind is further ahead of the rarest kind than allowed; the kind is drawn by content.

    Example
    -------
    >>> policy = EvenlyPolicy(EvenlyPolicy.Settings(ahead=0), PolicyContext(seed=0))
    >>> batch = [Scored(Sample("s", "r", "ward", "en", "Dose?", "5 mg."), ())]
    >>> policy.choose(batch), policy.choose(batch)
    ([None], ['crowded'])
    """

    needs: ClassVar[tuple[str, ...] | None] = None
    stateful: ClassVar[bool] = True
    reasons: ClassVar[Reasons] = {"crowded": ("Crowded", "of a kind that is there more often than others")}

    class Settings(PluginSettings):
        """How far out of balance the kinds may be."""

        kind: Literal["evenly"] = "evenly"
        ahead: int = 1

    def __init__(self, settings: Settings, context: PolicyContext) -> None:
        self._ahead = settings.ahead
        self._counts: Counter[str] = Counter()
        self._staged: Counter[str] = Counter()

    def choose(self, batch: Sequence[Scored]) -> Choices:
        return [self._choice(kind_of(scored.sample)) for scored in batch]

    def observe(self, decisions: Sequence[Decision]) -> None:
        self._counts.update(kind_of(decision.sample) for decision in decisions)

    def commit(self) -> None:
        self._counts.update(self._staged)
        self._staged.clear()

    def abort(self) -> None:
        self._staged.clear()

    def snapshot(self) -> Mapping[str, Any]:
        return {"counts": dict(sorted(self._counts.items()))}

    def restore(self, state: Mapping[str, Any]) -> None:
        if set(state) != {"counts"}:
            raise ValueError(f"expected counts, found {sorted(state)}")
        self._counts = Counter(state["counts"])

    def _choice(self, kind: str) -> str | None:
        together = self._counts + self._staged
        if together[kind] > min(together[str(n)] for n in range(KINDS)) + self._ahead:
            return "crowded"
        self._staged[kind] += 1
        return None


def kind_of(sample: Sample) -> str:
    """One of `KINDS`, drawn from the content."""
    return str(int(sample.content_digest, 16) % KINDS)


def evenly(ahead: int = 1) -> Selector:
    """The policy as an admission takes it."""
    return Selector(EvenlyPolicy(EvenlyPolicy.Settings(ahead=ahead), PolicyContext(seed=0)), "evenly", "evenly test")
