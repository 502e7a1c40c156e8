"""The spaces of vectors in which samples are compared: which of a sample's text each is about.

Embedders cut long texts at the end (all-MiniLM-L6-v2 after 256 word pieces). So what matters most comes first, and what
is cut are old turns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ccit.records import Sample

SAMPLE = "sample"
"""All of it; always kept, and the vector that every admitted sample carries."""
QUESTION = "question"


def sample_text(sample: Sample) -> str:
    """The last exchange, then the history from the latest turn back and the system text.

    >>> sample_text(Sample("s", "r", "ward", "en", "Dose?", "5 mg."))
    'Dose?\\n5 mg.'
    """
    return "\n".join([sample.instruction, sample.response, *_earlier(sample)])


def question_text(sample: Sample) -> str:
    """The question without its answer, then the history from the latest turn back and the system text.

    >>> question_text(Sample("s", "r", "ward", "en", "Dose?", "5 mg."))
    'Dose?'
    """
    return "\n".join([sample.instruction, *_earlier(sample)])


SPACES: Mapping[str, Callable[[Sample], str]] = {SAMPLE: sample_text, QUESTION: question_text}


def _earlier(sample: Sample) -> list[str]:
    turns = [text for turn in reversed(sample.history) for text in (turn.user, turn.assistant)]
    return [*turns, sample.system] if sample.system else turns
