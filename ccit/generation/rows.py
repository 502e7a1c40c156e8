"""Generated rows, and what they say of how they were made: `meta.generated` in the record, and through it everywhere.

| key of `meta.generated` | holds |
|---|---|
| `prompt`, `prompt_digest` | name, version and language of the prompt or template, and the SHA-256 of its files |
| `record_digest` | SHA-256 of the text that was shown |
| `model` | who says that it answered; empty for a template |
| `evidence` | the passages of the record on which the answer rests |
| `asked` | how often the model was asked |

The document itself is `meta.document`, as in rows that no model made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ccit.generation.conversation import Made
from ccit.generation.prompts import Prompt
from ccit.generation.source import SourceText
from ccit.records import digest_of

SOURCE = "generated"
_KEPT = ("document", "status", "kind", "form")
_DIGITS = 12  # hex, of the digest that tells the revisions of a row apart


def generated_row(
    body: Mapping[str, Any], source: SourceText, prompt: Prompt, made: Made, *, with_reasoning: bool = False
) -> dict[str, Any]:
    """The row that a model's reply becomes.

    Parameters
    ----------
    body : Mapping
        `CleanDocument.body`.
    """
    how = {
        "prompt": prompt.name,
        "prompt_digest": prompt.digest,
        "record_digest": source.digest,
        "model": made.model,
        "evidence": list(made.reply.evidence),
        "asked": 1 + len(made.faults),
    }
    return row_of(body, source, prompt.row(source, made.reply, with_reasoning=with_reasoning), how)


def row_of(
    body: Mapping[str, Any], source: SourceText, said: Mapping[str, str], how: Mapping[str, Any]
) -> dict[str, Any]:
    """A row of a document: the same document and the same words give the same id.

    Parameters
    ----------
    said : Mapping
        `instruction`, `input` and `output`.
    how : Mapping
        For `meta.generated`.
    """
    row: dict[str, Any] = {
        "source": SOURCE,
        "subject": body["subject"],
        "lang": source.language,
        **said,
        "meta": {key: body[key] for key in _KEPT if body.get(key)} | {"generated": dict(how)},
    }
    return {"id": f"{body['document']}.{how['prompt']}.{digest_of(dict(said))[:_DIGITS]}", **row}
