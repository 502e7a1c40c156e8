"""What an answer depends on besides the adapter and the questions: only under equal stamps is one remembered."""

from __future__ import annotations

import hashlib
import inspect
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ccit.records import digest_of

_LIBRARIES = ("torch", "transformers", "tokenizers", "peft", "rouge-score")
_ROOMS = ("evaluation", "models")  # where answers are made and graded


@dataclass(frozen=True, slots=True)
class AnswerStamp:
    """Everything that may change what a version answers to a question, or what that earns.

    Parameters
    ----------
    revision : str
        Which bytes the base model is.
    device, dtype : str
        Type of the device (`cpu`, `cuda`) and of the weights: a sum in another order or precision may choose another
        token.
    chat_template : str
        Digest of the template, with the date it is given.
    metric : str
        The settings of what grades free answers, as JSON.
    max_tokens, max_new_tokens : int
        Limits of a prompt and of a free answer.
    code : str
        Digest of the code that answers and grades (`code_digest_of`).
    libraries : str
        Versions of the libraries below it.
    """

    revision: str
    device: str
    dtype: str
    chat_template: str
    metric: str
    max_tokens: int
    max_new_tokens: int
    code: str
    libraries: str

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over all of it."""
        return digest_of([str(getattr(self, name)) for name in self.__slots__])


def code_digest_of(grader: type) -> str:
    """SHA-256 over the source of the rooms that answer and grade, and of the metric's own file.

    >>> from ccit.evaluation.metrics.rouge_l import RougeL
    >>> len(code_digest_of(RougeL))
    64
    """
    root = Path(__file__).parent.parent
    own = inspect.getsourcefile(grader)
    files = [file for room in _ROOMS for file in (root / room).rglob("*.py")]
    return _digest(tuple(sorted(files)) + ((Path(own),) if own else ()))


@cache
def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


@cache
def libraries() -> str:
    """Versions of Python and of what computes and grades, as text.

    >>> "torch " in libraries()
    True
    """
    return ", ".join([f"python {platform.python_version()}", *(f"{name} {_version(name)}" for name in _LIBRARIES)])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
