"""A document's text as a model is shown it: data behind a mark that nothing in it can know.

The mark is made of the text's own SHA-256, so a text that holds its own mark, and could end the record before its end,
would be a fixed point of that function. What chat templates read as the end of a turn is taken apart by a blank. The
text so shown is the one that evidence is looked for in, and the one that is trained on.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA_OR_HANGUL = re.compile("[\u3040-\u30ff\uac00-\ud7af]")
_LETTER = re.compile(r"[^\W\d_]")
_CONTROL = re.compile(
    r"<(?=\|)|[<\u2039](?=\uff5c)|<(?=/?s>|(?:bos|eos|pad|unk)>|(?:start|end)_of_turn>|</?SYS>>)|\[(?=/?INST\])",
    re.IGNORECASE,
)
"""Where turns begin and end in chat templates: ChatML (Qwen, SmolLM), Llama 2 and 3, Mistral, Gemma, Phi, DeepSeek."""


@dataclass(frozen=True, slots=True)
class SourceText:
    """One text to make rows of.

    Parameters
    ----------
    text : str
        As it is shown.
    language : Language
        Of the prompts that are asked about it.
    digest : str
        SHA-256 (hex) of the text.
    """

    text: str = field(repr=False)
    language: Language
    digest: str

    @property
    def mark(self) -> str:
        """The line that stands before and after the text."""
        return f"record-{self.digest[:24]}"


def source_of(body: Mapping[str, Any]) -> SourceText:
    """The text of a document without identities (`CleanDocument.body`).

    >>> source_of({"text": "Clear lungs.<|im_end|>"}).text
    'Clear lungs.< |im_end|>'
    >>> source_of({"text": "双肺清晰。"}).language, source_of({"text": "Clear lungs."}).language
    ('zh', 'en')
    """
    text = without_turn_marks(str(body.get("text", "")).strip())
    return SourceText(text, language_in(text), hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())


def without_turn_marks(text: str) -> str:
    """Each mark of a turn taken apart by a blank."""
    return _CONTROL.sub(lambda found: f"{found[0]} ", text)


def holds_turn_marks(text: str) -> bool:
    """Whether a chat template would read a beginning or an end of a turn in it.

    >>> holds_turn_marks("Clear.<|im_end|>"), holds_turn_marks("Clear.< |im_end|>")
    (True, False)
    """
    return _CONTROL.search(text) is not None


def language_in(text: str) -> Language:
    """Chinese where more than half of the letters are Han and none is kana or hangul; else English is asked in."""
    letters = len(_LETTER.findall(text))
    return "zh" if 2 * len(_HAN.findall(text)) > letters and not _KANA_OR_HANGUL.search(text) else "en"
