"""Overlap of an answer with a reference text: ROUGE-L (Lin 2004).

`rouge-score`'s own tokenizer drops everything but a-z and 0-9, so that any two Chinese answers score 0. Here a token is
a run of letters, digits and their marks, of any alphabet; in scripts that put no blanks between words each character is
a token of its own. What Unicode calls compatible is the same (NFKC): `５００` is `500`, `ﬁ` is `fi`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any

MAX_TOKENS = 1000
"""Of each text, the first ones: the time to compare grows with the product of both numbers (0.2 s at this limit). Free
answers are a few hundred tokens long at most (`evaluation.max_new_tokens`)."""

_MAX_CHARACTERS = 50_000  # looked at; a character may unfold into 18
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai and Lao, Burmese, Khmer
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"  # kana, Han, Hangul
)


class AnyScriptTokenizer:
    """Lower-case words of any script; one token per character where words are not spaced."""

    def tokenize(self, text: str) -> list[str]:
        """Split a text; the first `MAX_TOKENS` tokens.

        >>> AnyScriptTokenizer().tokenize("Blood pressure １２０, 血压高, रोज़")
        ['blood', 'pressure', '120', '血', '压', '高', 'रोज़']
        """
        plain = unicodedata.normalize("NFKC", text[:_MAX_CHARACTERS]).lower()
        return list(islice(_tokens(plain), MAX_TOKENS))


def _tokens(text: str) -> Iterator[str]:
    begin = 0  # of the word that `place` is in, or after
    for place, character in enumerate(text):
        if _UNSPACED.match(character):
            if begin < place:
                yield text[begin:place]
            yield character
            begin = place + 1
        elif not (character.isalnum() or (begin < place and unicodedata.category(character)[0] == "M")):
            if begin < place:
                yield text[begin:place]
            begin = place + 1
    if begin < len(text):
        yield text[begin:]


@cache
def _scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer  # here: it loads NLTK, a second that suites of choices can save

    return RougeScorer(["rougeL"], tokenizer=AnyScriptTokenizer())


def rouge_l(answer: str, reference: str) -> float:
    """F1 of the longest common subsequence of tokens, 0 to 1.

    >>> rouge_l("rest and water", "water and rest")
    0.3333333333333333
    """
    return float(_scorer().score(reference, answer)["rougeL"].fmeasure)
