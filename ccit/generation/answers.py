"""Answers on disk, one file for each request, written before anything is made of them.

A process that is killed finds every answer that it had, and asks for none of them again. The files are sealed and their
owner's alone (`ccit/store/`): a model's answer is made of a record.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from pydantic import TypeAdapter, ValidationError

from ccit.generation.asking import Answer
from ccit.store.atomic import remove_stale
from ccit.store.sealed import read_sealed, write_sealed

_DAY_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: Answer
    took: int


_KEPT = TypeAdapter(_Kept)


class Answers:
    """Answers by the digest of their request.

    Parameters
    ----------
    folder : Path
        Made at the first answer. Several processes may use one.

    Example
    -------
    >>> import tempfile
    >>> answers = Answers(Path(tempfile.mkdtemp()))
    >>> answers.keep("ab12", Answer("Yes.", tokens=7), took=7)
    >>> answers.kept("ab12").text, answers.kept("cd34")
    ('Yes.', None)
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def kept(self, digest: str) -> Answer | None:
        """The answer to a request; None where there is none, or what is there is damaged."""
        found = _read(self._path(digest))
        return None if found is None else found.answer

    def keep(self, digest: str, answer: Answer, took: int) -> None:
        """Write an answer down, durably, and what it counts in the budget of tokens. Raises `StorageFailed`."""
        write_sealed(self._path(digest), orjson.dumps(asdict(_Kept(answer, took))))

    def spent_since(self, when: float) -> Iterator[tuple[float, int]]:
        """When each answer since then came (seconds since 1970), and the tokens that it counts."""
        for path in self._files():
            with suppress(OSError):  # another process may be sweeping
                at = path.stat().st_mtime
                if at >= when and (found := _read(path)) is not None:
                    yield at, found.took

    def sweep(self, days: float) -> int:
        """Remove answers that are older, and what killed writers left; returns how many answers went."""
        limit, removed = time.time() - days * _DAY_S, 0
        for path in self._files():
            with suppress(OSError):
                if path.stat().st_mtime < limit:
                    path.unlink()
                    removed += 1
        for folder in self._folder.glob("??"):
            remove_stale(folder)
        return removed

    def _files(self) -> Iterator[Path]:
        yield from self._folder.glob("??/[0-9a-f]*")

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest


def _read(path: Path) -> _Kept | None:
    content = read_sealed(path)
    if content is None:
        return None
    try:
        return _KEPT.validate_json(content)
    except ValidationError:
        return None
