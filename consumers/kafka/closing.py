"""What is closed at the end of its `with` block."""

from __future__ import annotations

from types import TracebackType
from typing import Self


class Closing:
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

    def close(self) -> None:
        """Let go of what is held."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
