"""Logprobs in the two forms of OpenAI: a list of tokens for chats, parallel lists for text completions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from ccit.ports.serving import Drawn, Logprob

_LOWEST = -9999.0  # OpenAI's number for what JSON has none for


def logprobs_of(endpoint: Literal["chat", "completion", "score"], drawn: Sequence[Drawn], offset: int = 0) -> Any:
    """What stands under `logprobs` of a choice; None where there is nothing.

    Parameters
    ----------
    offset : int
        Characters of the choice before these tokens. A token that is part of a character counts as the replacement
        character that it is shown as.

    Example
    -------
    >>> told = [Drawn(Logprob(b"No", -0.5), (Logprob(b"No", -0.5), Logprob(b"Yes", -1.0)))]
    >>> logprobs_of("chat", told)["content"][0]["top_logprobs"][1]
    {'token': 'Yes', 'logprob': -1.0, 'bytes': [89, 101, 115]}
    >>> logprobs_of("completion", told, offset=3)
    {'tokens': ['No'], 'token_logprobs': [-0.5], 'top_logprobs': [{'No': -0.5, 'Yes': -1.0}], 'text_offset': [3]}
    """
    if not drawn:
        return None
    if endpoint == "chat":
        content = [{**_entry(one.chosen), "top_logprobs": [_entry(other) for other in one.likeliest]} for one in drawn]
        return {"content": content, "refusal": None}
    tokens, offsets = [_shown(one.chosen) for one in drawn], list[int]()
    for token in tokens:
        offsets.append(offset)
        offset += len(token)
    return {
        "tokens": tokens,
        "token_logprobs": [_number(one.chosen) for one in drawn],
        "top_logprobs": [_table(one) for one in drawn],
        "text_offset": offsets,
    }


def _table(one: Drawn) -> dict[str, float]:
    """The chosen one is always among them, as OpenAI has it; of tokens that are shown alike the likelier one counts."""
    table = {_shown(other): _number(other) for other in reversed(one.likeliest)}
    return {_shown(other): table[_shown(other)] for other in one.likeliest} | (
        {} if _shown(one.chosen) in table else {_shown(one.chosen): _number(one.chosen)}
    )


def _entry(one: Logprob) -> dict[str, Any]:
    return {"token": _shown(one), "logprob": _number(one), "bytes": list(one.token)}


def _shown(one: Logprob) -> str:
    return one.token.decode(errors="replace")


def _number(one: Logprob) -> float:
    return max(one.value, _LOWEST)
