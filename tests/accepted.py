"""A check's context in which some samples have been accepted already, for checks that judge by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ccit.ports.selection import CheckContext
from ccit.records import Position, Sample
from ccit.scoring.index import ExactIndex
from ccit.scoring.lookup import LookupIndex
from ccit.scoring.spaces import LOOKED_UP, SPACES, dimension_of, vectors_in
from ccit.selection.admitted import AdmittedSamples, Vector
from ccit.testing import LetterEmbedder, check_context

EMBEDDER = LetterEmbedder()


def said(question: str, answer: str, lang: str = "en") -> Sample:
    """A sample that says this."""
    return Sample("s", "r", "ward", lang, question, answer)


def none_admitted() -> AdmittedSamples:
    """With every space that there is."""
    return AdmittedSamples(
        {space: (LookupIndex if space in LOOKED_UP else ExactIndex)(dimension_of(space, EMBEDDER)) for space in SPACES}
    )


def rows_of(sample: Sample) -> dict[str, Vector]:
    """Its vector in every space."""
    return {space: vectors_in(space, [sample], EMBEDDER)[0] for space in SPACES}


def after(known: Sequence[Sample]) -> CheckContext:
    """After these were accepted; vectors count letters, and the embedder knows English."""
    admitted = none_admitted()
    for number, sample in enumerate(known):
        admitted.add(f"d{number}", rows_of(sample), Position(0, number))
    return replace(check_context(), neighbours=admitted, languages=frozenset({"en"}))
