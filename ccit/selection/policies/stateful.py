"""What a policy inherits that remembers: its state is a tally of what was accepted, in the log or on its way there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ccit.ports.selection import Scored
from ccit.records import Decision


class Tally(BaseModel):
    """A state. Counting accepted samples in must commute, or a restarted scorer would choose otherwise: integers add
    up to the same in any order, floats do not.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


_Tally = TypeVar("_Tally", bound=Tally)


class Stateful(ABC, Generic[_Tally]):
    """The half of the port `Policy` that is about state.

    A subclass says in `_count` how one accepted sample changes a tally, asks `_tally` when it chooses, and calls
    `_take` with each sample it takes.
    """

    stateful: ClassVar[bool] = True

    def __init__(self, empty: _Tally) -> None:
        self._known = empty
        self._tally = empty.model_copy(deep=True)  # with what was chosen since the last commit
        self._staged: list[Scored] = []

    def observe(self, decisions: Sequence[Decision]) -> None:
        """Count them in."""
        for decision in decisions:
            accepted = Scored(decision.sample, decision.scores, decision.proxy_version)
            self._count(self._known, accepted)
            self._count(self._tally, accepted)

    def commit(self) -> None:
        """What was chosen is known."""
        for accepted in self._staged:
            self._count(self._known, accepted)
        self._staged.clear()

    def abort(self) -> None:
        """What was chosen was not."""
        if self._staged:
            self._tally = self._known.model_copy(deep=True)
        self._staged.clear()

    def snapshot(self) -> Mapping[str, Any]:
        """The tally of what is known."""
        return self._known.model_dump(mode="json")

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take a tally back. Raises `ValueError` for what is none."""
        fields = set(type(self._known).model_fields)
        if set(state) != fields:
            raise ValueError(f"expected {' and '.join(sorted(fields))}, found {sorted(state)}")
        try:
            known = type(self._known).model_validate(state)
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"][:1]))
            raise ValueError(f"expected {where!r} as a snapshot of this policy holds it") from error
        self._known, self._tally = known, known.model_copy(deep=True)

    def _take(self, scored: Scored) -> None:
        self._count(self._tally, scored)
        self._staged.append(scored)

    @abstractmethod
    def _count(self, tally: _Tally, accepted: Scored) -> None:
        """Change the tally by one accepted sample."""
