"""Why a question does not help to predict its answer: the likely cause of an IFD at or above 1.

The causes want different things of a person. Foreign control tokens and templates are mended where the row was made, a
cut text by a larger window, a question and an answer in two languages perhaps not at all, and what none of these
explains is most often an answer to another question. They are looked for in this order, the first that is found is
told, and it is a lead and no proof: the forms are those of chat templates in circulation (ChatML, Llama 2 and 3, Gemma,
Phi, Alpaca, Vicuna) and of place holders.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ccit.records import Sample, Score
from ccit.scoring.languages import UNDETERMINED, identified

QUOTED_TOKENS, TEMPLATE, TRUNCATION = "quoted_tokens", "template", "truncation"
LANGUAGE, MISMATCH = "language", "mismatch"
CAUSES: Mapping[str, str] = {
    QUOTED_TOKENS: "control tokens of a chat template stand in the text as letters (`<|im_end|>`, `[INST]`)",
    TEMPLATE: "roles or place holders of a prompt template stand in the text (`### Response:`, `{{name}}`)",
    TRUNCATION: "it is longer than the proxy's window: what the answer follows from may have been cut",
    LANGUAGE: "question and answer are in different languages",
    MISMATCH: "none of these: perhaps the answer to another question",
}

_QUOTED = re.compile(
    r"<[|｜][^<>\s]{1,40}[|｜]>|</?s>|<(?:bos|eos|pad|unk|mask|start_of_turn|end_of_turn)>|\[/?INST\]|<</?SYS>>"
    r"|\[(?:CLS|SEP|MASK|PAD)\]"
)
_TEMPLATE = re.compile(
    r"^[ \t]*#{2,4}[ \t]*(?:instruction|response|input|output|question|answer|user|assistant|system|human)\b"
    r"|^[ \t]*(?:user|assistant|human)[ \t]*:"
    r"|\{\{[^{}\n]{1,40}\}\}|\$\{[^{}\n]{1,40}\}|\{(?:input|output|name|question|answer|instruction|response|text)\}"
    r"|\[(?:insert|your) [^\]\n]{1,40}\]",
    re.IGNORECASE | re.MULTILINE,
)


def cause_of(sample: Sample, score: Score) -> str:
    """The likely cause of a high IFD, one of `CAUSES`.

    Parameters
    ----------
    score : Score
        The IFD; it says how many tokens the proxy did not see.

    Example
    -------
    >>> sample = Sample("s", "r", "ward", "en", "How long should I rest?", "User: rest.\\nAssistant: two weeks.")
    >>> cause_of(sample, Score("ifd", 1.2, "t"))
    'template'
    """
    turns = [text for turn in sample.history for text in (turn.user, turn.assistant)]
    texts = [sample.system, *turns, sample.instruction, sample.response]
    if any(map(_QUOTED.search, texts)):
        return QUOTED_TOKENS
    if any(map(_TEMPLATE.search, texts)):
        return TEMPLATE
    if score.truncated:
        return TRUNCATION
    told = {identified(sample.instruction), identified(sample.response)} - {UNDETERMINED}
    return LANGUAGE if len(told) > 1 else MISMATCH
