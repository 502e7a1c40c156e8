from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ccit.ports.vectors import Vectors
from ccit.records import Sample, Score, Spend
from ccit.selection.checks.diversity import ONE_SENTENCE, DiversityCheck
from ccit.testing import check_context
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


def check(embedder: WordEmbedder | None = None) -> DiversityCheck:
    return DiversityCheck(DiversityCheck.Settings(min=0.25), check_context(embedder or WordEmbedder()))


def test_repetition_is_0_and_unrelated_sentences_are_1() -> None:
    values = [scores[0].value for scores in check().score([of("Rest. Rest. Rest."), of("Rest. Drink. Sleep.")])]
    assert values == pytest.approx([0.0, 1.0])


def test_one_sentence_is_unscored_says_why_and_passes() -> None:
    one = check()
    scores = one.score([of("Rest."), of(""), of("Rest. Drink.")])
    assert [(s.value, s.unscored) for (s,) in scores[:2]] == [(None, ONE_SENTENCE)] * 2
    assert [one.refuse(s) for (s,) in scores[:2]] == [None, None]
    assert scores[2][0].value == pytest.approx(1.0)


@pytest.mark.parametrize(("value", "reason"), [(0.249, "not_diverse"), (0.25, None), (None, "unscored")])
def test_the_limit_is_allowed(value: float | None, reason: str | None) -> None:
    assert check().refuse(Score("diversity", value, "t", "" if value is not None else "not finite")) == reason


def test_a_batch_is_embedded_in_one_call() -> None:
    embedder = WordEmbedder()
    check(embedder).score([of("Rest. Drink.")] * 5)
    assert embedder.calls == 1


def test_what_the_embedder_does_not_see_is_counted() -> None:
    context = replace(check_context(WordEmbedder()), unseen=lambda texts: [max(0, len(text) - 20) for text in texts])
    one = DiversityCheck(DiversityCheck.Settings(), context)
    (short,), (long,) = one.score([of("Rest. Drink."), of("Rest. Drink " + "water and " * 5 + "tea.")])
    assert (short.truncated, long.truncated) == (0, 40)
