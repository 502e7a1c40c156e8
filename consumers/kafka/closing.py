"""What is closed at the end of its `with` block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Closing(ABC):
    """A base for what holds a connection: `with` gives the object itself and closes it, whatever happened inside.

    `contextlib.closing` does this at the place of use; here it belongs to the class, because every user wants it.

    Example
    -------
    >>> class Line(Closing):
    ...     def close(self) -> None:
    ...         print("closed")
    >>> with Line() as line:
    ...     print("open")
    open
    closed
    """

    @abstractmethod
    def close(self) -> None:
        """Let go of what is held."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
