"""The spaces of vectors in which samples are compared: which of a sample's text each is about.

Embedders cut long texts at the end (all-MiniLM-L6-v2 after 256 word pieces). So what matters most comes first: both
ends of a long question, where it is asked (a note between them may fill a page), and the answer. What is cut is the
middle of the note, the end of a long answer, old turns; `CheckContext.unseen` counts it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ccit.records import Sample

SAMPLE = "sample"
"""All of it; always kept, and the vector that every admitted sample carries."""
QUESTION = "question"
ANSWER = "answer"

_END = 240  # characters kept of each end of a question; both are about 120 word pieces, half of what MiniLM sees


def sample_text(sample: Sample) -> str:
    """The last exchange, then the history from the latest turn back and the system text.

    >>> sample_text(Sample("s", "r", "ward", "en", "Dose?", "5 mg."))
    'Dose?\\n5 mg.'
    """
    ends, middle = _asked(sample.instruction)
    return "\n".join([*ends, sample.response, *middle, *_earlier(sample)])


def question_text(sample: Sample) -> str:
    """The question without its answer, then the history from the latest turn back and the system text.

    >>> question_text(Sample("s", "r", "ward", "en", "Dose?", "5 mg."))
    'Dose?'
    """
    ends, middle = _asked(sample.instruction)
    return "\n".join([*ends, *middle, *_earlier(sample)])


def answer_text(sample: Sample) -> str:
    """The answer without its question.

    >>> answer_text(Sample("s", "r", "ward", "en", "Dose?", "5 mg."))
    '5 mg.'
    """
    return sample.response


SPACES: Mapping[str, Callable[[Sample], str]] = {SAMPLE: sample_text, QUESTION: question_text, ANSWER: answer_text}


def _asked(question: str) -> tuple[list[str], list[str]]:
    """Both ends of a question, and what lies between them; a short one is whole."""
    if len(question) <= 2 * _END:
        return [question], []
    return [question[:_END], question[-_END:]], [question[_END:-_END]]


def _earlier(sample: Sample) -> list[str]:
    turns = [text for turn in reversed(sample.history) for text in (turn.user, turn.assistant)]
    return [*turns, sample.system] if sample.system else turns
