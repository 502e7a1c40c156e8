"""What torch, peft and transformers raise, as errors of ccit: one sentence with the library's own words.

So the process that trains, `ccit replay` and the tests see the same classes, and lack of memory is told apart from the
rest: it is answered by smaller micro-batches, and is no fault of the samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ccit.errors import MemoryExhausted, TrainingFailed

# No OSError: what the system refuses (a pipe that nobody reads, a folder) has its own ways and words.
LIBRARIES_RAISE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
_LACK_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")  # by torch: CUDA, CPU, Windows


@contextmanager
def library_faults(doing: str) -> Iterator[None]:
    """Raise a library's error as one of ccit's; also a decorator.

    Parameters
    ----------
    doing : str
        What was going on: `training`, `evaluation`.

    Raises
    ------
    MemoryExhausted
        The library asked for memory that is not there.
    TrainingFailed
        Anything else that a library raises; ccit's own errors pass as they are.

    Example
    -------
    >>> with library_faults("training"):
    ...     raise ValueError("Target modules {'x'} not found")
    Traceback (most recent call last):
    ccit.errors.TrainingFailed: training failed in a library: ValueError: Target modules {'x'} not found
    """
    try:
        yield
    except LIBRARIES_RAISE as error:
        if lacks_memory(error):
            raise MemoryExhausted(f"{doing} needs more memory than there is: {sentence_of(error)}") from error
        raise TrainingFailed(f"{doing} failed in a library: {sentence_of(error)}") from error


def lacks_memory(error: BaseException) -> bool:
    """Whether a library's error says that there is not enough memory.

    >>> lacks_memory(RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"))
    True
    """
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in _LACK_OF_MEMORY)


def sentence_of(error: BaseException) -> str:
    """Class and message, on one line.

    >>> sentence_of(KeyError("q"))
    "KeyError: 'q'"
    """
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
