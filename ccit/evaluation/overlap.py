"""Overlap of an answer with a reference text: ROUGE-L (Lin 2004) and BLEU (Papineni et al. 2002).

`rouge-score`'s own tokenizer drops everything but a-z and 0-9, so that any two Chinese answers score 0. Here a token is
a run of letters and digits of any alphabet, and each Han, Hiragana, Katakana or Hangul character is a token of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
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


def bleu(answers: Sequence[str], references: Sequence[str]) -> float:
    """Corpus BLEU, 0 to 100, with one reference per answer; the tokenizer is sacrebleu's for mixed scripts.

    >>> round(bleu(["the cat sat on the mat"], ["the cat sat on the mat"]))
    100
    """
    from sacrebleu.metrics.bleu import BLEU  # here: it is loaded by no round

    return float(BLEU(tokenize="zh").corpus_score(list(answers), [list(references)]).score)
