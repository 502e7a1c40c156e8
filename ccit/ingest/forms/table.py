"""Which form a row has: the table of the forms that are read, and what is refused because no form here can say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ccit.errors import InputError
from ccit.ingest.forms.conversations import ConversationForm
from ccit.ingest.forms.exchange import Exchange, wrong
from ccit.ingest.forms.pairs import PairForm

FORMS: tuple[PairForm | ConversationForm, ...] = (
    PairForm("instruction", "output", "input"),  # Alpaca, LLaMA-Factory; the form that ccit writes
    PairForm("instruction", "response", "context"),  # Dolly
    ConversationForm("messages", "role", "content"),  # OpenAI, TRL
    ConversationForm("conversations", "from", "value"),  # ShareGPT
    PairForm("prompt", "completion"),
    PairForm("prompt", "response"),
    PairForm("query", "response"),  # ms-swift
    PairForm("question", "answer"),
)

_NOT_READ = {
    "tools": "calls of tools",
    "functions": "calls of functions",
    "image": "pictures",
    "images": "pictures",
    "videos": "films",
    "audios": "sounds",
    "chosen": "preferences",
    "rejected": "preferences",
    "rejected_response": "preferences",
    "kto_tag": "preferences",
}
"""Columns that change what a row says (LLaMA-Factory, TRL, ms-swift). Others are the sender's own affair."""


def exchange_of(row: Mapping[str, Any]) -> Exchange:
    """What a row says, whichever form it has.

    Raises
    ------
    InputError
        `wrong_schema`: no form fits or two do, a field is not what it should be, or one is there that is not read.

    >>> exchange_of({"query": "Dose?", "response": "5 mg.", "system": "Be brief."}).system
    'Be brief.'
    >>> exchange_of({"text": "Dose? 5 mg."})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ccit.errors.InputError: wrong_schema: instruction row: expected instruction and output, or one of the other forms...
    """
    for column, what in _NOT_READ.items():
        if row.get(column):
            raise wrong(column, "a row of text alone", f"{what}, which are not read; leave this row out")
    complete = [form for form in FORMS if all(row.get(column) is not None for column in form.columns)]
    if len(complete) == 1:
        return complete[0].read(row)
    if complete:
        both = " and ".join(" with ".join(form.columns) for form in complete[:2])
        raise InputError("wrong_schema", f"instruction row: expected one form, found {both}; keep one of them")
    begun = next((form for form in FORMS if any(row.get(column) is not None for column in form.columns)), None)
    if begun is not None:
        begun.read(row)  # names the column that is missing
    others = "; ".join(" with ".join(form.columns) for form in FORMS[1:])
    raise InputError(
        "wrong_schema",
        f"instruction row: expected instruction and output, or one of the other forms ({others}), found none of them",
    )
