"""Overlap of an answer with a reference text: ROUGE-L (Lin 2004).

`rouge-score`'s own tokenizer drops everything but a-z and 0-9, so that any two Chinese answers score 0. Here a token is
a run of letters and digits of any alphabet, and each Han, Hiragana, Katakana or Hangul character is a token of its own.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

_SYLLABIC = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_SYLLABIC}]|[^\W_{_SYLLABIC}]+")


class AnyScriptTokenizer:
    """Lower-case words of any script; one token per character where words are not spaced."""

    def tokenize(self, text: str) -> list[str]:
        """Split a text.

        >>> AnyScriptTokenizer().tokenize("Blood pressure 120, 血压高")
        ['blood', 'pressure', '120', '血', '压', '高']
        """
        return _TOKEN.findall(text.lower())


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
