"""A policy whose state must always agree with the index: it finds out when a crash parts them.

It takes what no check refused, as `thresholds` does, and counts what was accepted. Before each batch its count has to
be those admitted. Where it is not, everything is left out, which breaks the law `misjudged`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from ccit.ports.selection import Choices, Reasons, Scored
from ccit.records import Decision
from ccit.selection.admission import Selector
from ccit.selection.admitted import AdmittedSamples

DIVERGED = "diverged"


class MirrorPolicy:
    """How many samples were accepted, and their digests mixed into one number, whatever their order."""

    needs: ClassVar[tuple[str, ...] | None] = None
    stateful: ClassVar[bool] = True
    reasons: ClassVar[Reasons] = {DIVERGED: ("Diverged", "the policy and the index do not agree on what was accepted")}

    def __init__(self, admitted: AdmittedSamples) -> None:
        self._admitted = admitted
        self._state = (0, 0)
        self._staged: list[str] = []

    def choose(self, batch: Sequence[Scored]) -> Choices:
        _, digests, _ = self._admitted.rows()
        if self._state != mixed((0, 0), digests):
            return [DIVERGED] * len(batch)
        self._staged += [scored.sample.content_digest for scored in batch]
        return [None] * len(batch)

    def observe(self, decisions: Sequence[Decision]) -> None:
        self._state = mixed(self._state, (decision.sample.content_digest for decision in decisions))

    def commit(self) -> None:
        self._state = mixed(self._state, self._staged)
        self._staged.clear()

    def abort(self) -> None:
        self._staged.clear()

    def snapshot(self) -> Mapping[str, Any]:
        return {"count": self._state[0], "mixed": self._state[1]}

    def restore(self, state: Mapping[str, Any]) -> None:
        if set(state) != {"count", "mixed"}:
            raise ValueError(f"expected count and mixed, found {sorted(state)}")
        self._state = (state["count"], state["mixed"])


def mixed(state: tuple[int, int], digests: Iterable[str]) -> tuple[int, int]:
    """One more for each digest, and its first 60 bits added up."""
    count, total = state
    for digest in digests:
        count, total = count + 1, (total + int(digest[:15], 16)) % 2**60
    return count, total


def mirror(admitted: AdmittedSamples) -> Selector:
    """The policy as an admission takes it."""
    return Selector(MirrorPolicy(admitted), "mirror", "mirror test")
