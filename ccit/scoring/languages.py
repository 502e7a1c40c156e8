"""In which language a text is written: identified, not believed.

py3langid 0.4 does the work: the naive Bayes model of langid.py (Lui and Baldwin 2012, ACL demo session) over bytes,
for 140 languages. It is deterministic, takes about half a millisecond for an answer, and is loaded at the first text.

A short text says too little ("5 mg."), and a diagnosis is half Latin in every language. Where the most probable
language has less than `SURE`, the answer is `und` (BCP 47: undetermined), and the record's own word counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache, lru_cache
from typing import Any

from ccit.records import Sample

UNDETERMINED = "und"
SURE = 0.8  # of 1,800 English medical rows it then took one for another language, and that one was Spanish
_READ = 2000  # characters of a text that are read; more than enough, and the time grows with them
_FOLDED = {
    "wuu": "zh",
    "yue": "zh",
    "pcm": "en",
    "nb": "no",
    "nn": "no",
}  # relatives that short texts are mixed up with
_NOBODYS = {"la"}  # names of drugs, bones and bacteria
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA_OR_HANGUL = re.compile("[\u3040-\u30ff\uac00-\ud7af]")
_LETTER = re.compile(r"[^\W\d_]")

STAMP = f"py3langid.0.4 sure={SURE}"
UNKNOWN_LANGUAGE = "in a language that the embedder does not know"


def primary(code: str) -> str:
    """The primary subtag of a language's code (BCP 47, RFC 5646), `und` for none.

    >>> primary("en-US"), primary("zh_CN"), primary(" ")
    ('en', 'zh', 'und')
    """
    return code.replace("_", "-").partition("-")[0].strip().lower() or UNDETERMINED


@lru_cache(maxsize=4096)
def identified(text: str) -> str:
    """The language of a text, or `und` where that is not certain.

    Example
    -------
    >>> identified("Welche Dosis ist richtig? Zweimal am Tag 5 mg."), identified("多喝水。"), identified("5 mg.")
    ('de', 'zh', 'und')
    """
    read = text[:_READ]
    letters = len(_LETTER.findall(read))
    if not letters:
        return UNDETERMINED
    if 2 * len(_HAN.findall(read)) > letters and not _KANA_OR_HANGUL.search(read):
        return "zh"
    probabilities: dict[str, float] = {}
    for code, probability in _identifier().rank(read):
        folded = _FOLDED.get(code, code)
        probabilities[folded] = probabilities.get(folded, 0.0) + probability
    best = max(probabilities, key=probabilities.__getitem__)
    return best if probabilities[best] >= SURE and best not in _NOBODYS else UNDETERMINED


def language_of(sample: Sample) -> str:
    """The language of question and answer together; where that is not certain, the one that the record names.

    >>> language_of(Sample("s", "r", "ward", "en", "多喝水吗？", "每天八杯水，分几次喝。"))
    'zh'
    >>> language_of(Sample("s", "r", "ward", "de-AT", "Dosis?", "5 mg."))
    'de'
    """
    found = identified(f"{sample.instruction}\n{sample.response}")
    return primary(sample.lang) if found == UNDETERMINED else found


def unknown_language(sample: Sample, known: Collection[str]) -> str:
    """Why an embedder that knows these languages (none: all) cannot score a sample; empty where it can.

    Question, answer and both together must be in a language that it knows.

    >>> unknown_language(Sample("s", "r", "ward", "en", "多喝水吗？", "每天八杯水，分几次喝。"), {"en"})
    'in a language that the embedder does not know: zh'
    """
    if not known:
        return ""
    parts = {identified(sample.instruction), identified(sample.response)} - {UNDETERMINED}
    foreign = sorted((parts or {language_of(sample)}) - set(known))
    return f"{UNKNOWN_LANGUAGE}: {foreign[0]}" if foreign else ""


@cache
def _identifier() -> Any:
    """The model, a file of numbers (`.npz.xz`) and no pickle. Loading takes about a second."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
