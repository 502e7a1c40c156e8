"""The spaces of vectors in which samples are compared: which of a sample's text each is about, and who makes them.

Embedders cut long texts at the end (all-MiniLM-L6-v2 after 256 word pieces). So what matters most comes first: both
ends of a long question, where it is asked (a note between them may fill a page), and the answer. What is cut is the
middle of the note, the end of a long answer, old turns; `CheckContext.unseen` counts it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ccit.ports.vectors import Embedder, Vectors
from ccit.records import Sample
from ccit.scoring import claims, leads, wording

SAMPLE = "sample"
"""All of it; always kept, and the vector that every admitted sample carries."""
QUESTION = "question"
ANSWER = "answer"
LEAD = "lead"
"""The answer's first sentence, by its words: see `ccit/scoring/leads.py`."""
STATEMENT = "statement"
"""All of it, bound to the numbers, sides, negations and drugs in it: see `ccit/scoring/claims.py`."""
WORDING = "wording"
"""The letters of it, without a model, bound likewise: see `ccit/scoring/wording.py`."""

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


SPACES: Mapping[str, Callable[[Sample], str]] = {
    SAMPLE: sample_text,
    QUESTION: question_text,
    ANSWER: answer_text,
    LEAD: answer_text,
    STATEMENT: sample_text,
    WORDING: sample_text,
}


LOOKED_UP = (ANSWER, LEAD)
"""Spaces that are not searched: a sample's vector in them is asked for by its place."""

_WITHOUT_MODEL: Mapping[str, Callable[[Sequence[str]], Vectors]] = {LEAD: leads.leads, WORDING: wording.signatures}
_DIMENSIONS = {LEAD: leads.DIMENSION, WORDING: wording.DIMENSION}


def vectors_in(space: str, samples: Sequence[Sample], embedder: Embedder) -> Vectors:
    """The samples' rows in a space (n, d); an empty batch has none.

    Example
    -------
    >>> from ccit.testing import LetterEmbedder
    >>> samples = [Sample("s", "r", "ward", "en", "Dose?", answer) for answer in ("3 mg.", "4 mg.")]
    >>> [vectors_in(space, samples, LetterEmbedder()).shape for space in ("sample", "statement", "wording")]
    [(2, 26), (2, 26), (2, 256)]
    """
    if not samples:
        return np.zeros((0, dimension_of(space, embedder)), dtype=np.float32)
    texts = [SPACES[space](sample) for sample in samples]
    if space in _WITHOUT_MODEL:
        return _WITHOUT_MODEL[space](texts)
    vectors = embedder.embed(texts)
    return claims.bound(vectors, texts) if space == STATEMENT else vectors


def dimension_of(space: str, embedder: Embedder) -> int:
    """Length of a space's vectors.

    >>> from ccit.testing import LetterEmbedder
    >>> dimension_of("wording", LetterEmbedder()), dimension_of("question", LetterEmbedder())
    (256, 26)
    """
    return _DIMENSIONS.get(space, embedder.dimension)


def _asked(question: str) -> tuple[list[str], list[str]]:
    """Both ends of a question, and what lies between them; a short one is whole."""
    if len(question) <= 2 * _END:
        return [question], []
    return [question[:_END], question[-_END:]], [question[_END:-_END]]


def _earlier(sample: Sample) -> list[str]:
    turns = [text for turn in reversed(sample.history) for text in (turn.user, turn.assistant)]
    return [*turns, sample.system] if sample.system else turns
