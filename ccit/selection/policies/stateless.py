"""What a policy inherits that decides each sample for itself: no state to keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ccit.records import Decision


class Stateless:
    """The half of the port `Policy` that is about state, with nothing in it."""

    stateful: ClassVar[bool] = False

    def observe(self, decisions: Sequence[Decision]) -> None:
        """Nothing is remembered."""

    def commit(self) -> None:
        """Nothing was staged."""

    def abort(self) -> None:
        """Nothing was staged."""

    def snapshot(self) -> Mapping[str, Any]:
        """Nothing."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing but nothing can be taken back."""
        if state:
            raise ValueError(f"expected no state, found {sorted(state)}")
