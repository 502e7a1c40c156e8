"""What a drift comes from: new knowledge, or merely a new source, another form, other answers to known questions.

A detector sees one number change. Whether that is worth a round is another question: a template that an interface
engine changed overnight moves every score and teaches nothing, and a flood from one source may be an attack. So the
samples before and after the change are compared by what they are besides:

    source         one source has half of the samples more than before
    form           one opening, ending or layout has half of the samples more than before; the questions are the same
                   (text of another origin is often written otherwise, so questions that are others weigh more)
    answers        sources and form are as before, and so are the questions: what is said to them has changed
    new_knowledge  the questions are others, and no source and no form of theirs accounts for it
    unclear        there is too little to tell, or the questions are others and begin or end alike

Whether questions are the same is tested by the distance of their vectors (`ccit/drift/two_samples.py`) at p = 0.001.
Where no check keeps questions as vectors, a form that has risen is called so without that, and what is neither source
nor form is `unclear`.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, StringConstraints

from ccit.drift.two_samples import distance
from ccit.ports.drift import Accepted
from ccit.records import Cause, Sample
from ccit.scoring.spaces import QUESTION
from ccit.vectors import decode_vector, encode_vector

MOST_TRAITS = 256  # of the newest samples that are kept: those after a change, and those before it
_MOST_AFTER = 128
_LEAST = 10  # samples on each side, or it is unclear
_RISE = 0.5  # share that a source or a form has more than before, for the change to be its own
_PERMUTATIONS, _SAME = 1999, 0.001
_WORDS = 3  # of an opening or an ending
_ASKED = slice(3, 5)  # of a form: what is about the question
_NUMBER = re.compile(r"\d+")


class Traits(BaseModel):
    """What is remembered of a sample: its source, its form (digests, no text), its question as a vector where kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    form: tuple[Annotated[str, StringConstraints(max_length=32)], ...]
    question: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """A cause, and what its samples have in common: the source or a digest of the form; empty for all."""

    cause: Cause
    mark: str = ""


def traits_of(accepted: Accepted) -> Traits:
    """What of a sample tells later where a change comes from."""
    vector = accepted.vectors.get(QUESTION)
    sample = accepted.decision.sample
    return Traits(
        source=sample.source,
        form=forms(sample),
        question="" if vector is None else encode_vector(vector),
    )


def forms(sample: Sample) -> tuple[str, ...]:
    """Digests of a sample's form: how question and answer begin and end, and how the answer is laid out.

    Example
    -------
    >>> one = Sample("s", "r", "ward", "en", "Which dose?", "The dose is 5 mg.")
    >>> other = Sample("t", "q", "ward", "en", "Which dose?", "The dose is 10 ml.")
    >>> len(set(forms(one)) & set(forms(other)))  # the ending alone differs
    4
    """
    said, asked = _words(sample.response), _words(sample.instruction)
    lines = [line.lstrip() for line in sample.response.splitlines() if line.strip()]
    layout = f"{min(len(lines), 4)}{''.join(sorted({_NUMBER.sub('0', line)[0] for line in lines if _is_marked(line)}))}"
    parts = {
        "answer begins": said[:_WORDS],
        "answer ends": said[-_WORDS:],
        "layout": [layout],
        "question begins": asked[:_WORDS],
        "question ends": asked[-_WORDS:],
    }
    return tuple(_digest(name, words) for name, words in parts.items())


def cause_of(before: Sequence[Traits], after: Sequence[Traits], seed: int) -> Named:
    """Compare what came before a change with what came after it, both in stream order.

    Example
    -------
    >>> ward = [Traits(source="ward", form=())] * 40
    >>> cause_of(ward, [Traits(source="import", form=())] * 30, seed=0)
    Named(cause='source', mark='import')
    """
    before, after = before[-MOST_TRAITS:], after[-_MOST_AFTER:]
    if min(len(before), len(after)) < _LEAST:
        return Named("unclear")
    if source := _risen([(one.source,) for one in before], [(one.source,) for one in after]):
        return Named("source", source)
    form = _risen([one.form for one in before], [one.form for one in after])
    moved = _moved(before, after, seed)
    if form and not moved:
        return Named("form", form)
    if moved and _risen([one.form[_ASKED] for one in before], [one.form[_ASKED] for one in after]):
        return Named("unclear")
    return {True: Named("new_knowledge"), False: Named("answers"), None: Named("unclear")}[moved]


def belongs(sample: Sample, cause: Cause, mark: str) -> bool:
    """Whether a sample is one of those that a drift is about."""
    if cause == "source":
        return sample.source == mark
    return mark in forms(sample) if cause == "form" else True


def _risen(before: Sequence[Iterable[str]], after: Sequence[Iterable[str]]) -> str:
    """What most more have after than before; empty where that is less than half of them."""
    earlier = Counter(one for own in before for one in own)
    later = Counter(one for own in after for one in own)
    rises = {one: count / len(after) - earlier[one] / len(before) for one, count in later.items()}
    most = max(rises, key=lambda one: (rises[one], one), default="")
    return most if rises.get(most, 0.0) >= _RISE else ""


def _moved(before: Sequence[Traits], after: Sequence[Traits], seed: int) -> bool | None:
    """Whether the questions are others; None where they are not known."""
    earlier = [decode_vector(one.question) for one in before if one.question]
    later = [decode_vector(one.question) for one in after if one.question]
    if min(len(earlier), len(later)) < _LEAST:
        return None
    return distance(np.stack(earlier), np.stack(later), _PERMUTATIONS, seed).p <= _SAME


def _words(text: str) -> list[str]:
    return _NUMBER.sub("0", text.lower()).split()


def _is_marked(line: str) -> bool:
    return not line[0].isalpha()


def _digest(name: str, words: Sequence[str]) -> str:
    return hashlib.sha256("\0".join([name, *words]).encode()).hexdigest()[:12]
