from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ccit.ports import Vectors
from ccit.records import Sample, Spend
from ccit.scoring.diversity import ONE_SENTENCE, DiversityScorer, mean_pairwise_distance
from ccit.vectors import quantise


class WordEmbedder:
    """One axis per first letter; counts its calls."""

    stamp = "words"
    dimension = 26
    spent = Spend()

    def __init__(self) -> None:
        self.calls = 0

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.calls += 1
        return quantise([[float(chr(97 + i) == text[0].lower()) for i in range(26)] for text in texts])


def of(response: str) -> Sample:
    return Sample("s", "r", "ward", "en", "Why?", response)


@given(arrays.arrays(np.float32, st.tuples(st.integers(2, 9), st.just(5)), elements=st.floats(0.125, 1, width=16)))
def test_it_is_the_mean_over_pairs(raw: npt.NDArray[np.float32]) -> None:
    unit = raw.astype(np.float64) / np.linalg.norm(raw.astype(np.float64), axis=1, keepdims=True)
    pairs = [1 - float(a @ b) for a, b in combinations(unit, 2)]
    assert mean_pairwise_distance(raw) == pytest.approx(max(0.0, sum(pairs) / len(pairs)), abs=1e-12)


def test_repetition_is_0_and_unrelated_sentences_are_1() -> None:
    scorer = DiversityScorer(WordEmbedder())
    values = [scores[0].value for scores in scorer.score([of("Rest. Rest. Rest."), of("Rest. Drink. Sleep.")])]
    assert values == pytest.approx([0.0, 1.0])


def test_one_sentence_is_unscored_and_says_why() -> None:
    scores = DiversityScorer(WordEmbedder()).score([of("Rest."), of(""), of("Rest. Drink.")])
    assert [(s.value, s.unscored) for (s,) in scores[:2]] == [(None, ONE_SENTENCE)] * 2
    assert scores[2][0].value == pytest.approx(1.0)


def test_a_batch_is_embedded_in_one_call() -> None:
    embedder = WordEmbedder()
    DiversityScorer(embedder).score([of("Rest. Drink.")] * 5)
    assert embedder.calls == 1
