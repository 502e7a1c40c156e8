"""A clinical document without its identities -> an instruction row, by a template that needs no model.

The answer is the document's text, the question asks for it by its title. What is withdrawn, and what has no text, gives
no row. Nothing of the message but the cleaned document gets here; and of that, only what is named below goes on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ccit.records import digest_of

SOURCE = "clinical"
_LANGUAGE = re.compile(r"[a-z]{2}(?:-[a-z]{2})?")  # a sender may write anything there, names too
_WRITTEN = re.compile(r"[\[\]\d\s:.+/-]*")  # the same of a date
_KEPT = ("document", "status", "kind", "replaces", "form")
_DIGITS = 12  # hex, of the digest that tells the revisions of a document apart


def row_from_document(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """The row of a cleaned document; None where there is nothing to learn.

    Parameters
    ----------
    body : Mapping[str, Any]
        `CleanDocument.body`. The same body gives the same row; a revision of a document has its number and another id.

    >>> row = row_from_document({"document": "d1", "subject": "s1", "title": "CHEST XRAY", "text": "Clear lungs."})
    >>> row["instruction"], row["output"], row["subject"]
    ('Write the entry "CHEST XRAY" of this medical record.', 'Clear lungs.', 's1')
    """
    text = str(body.get("text", "")).strip()
    if not text or body.get("status") == "withdrawn":
        return None
    title = str(body.get("title") or body.get("kind") or "").strip()
    named = f' "{title}"' if title else ""
    reason = str((body.get("fields") or {}).get("reason", "")).strip()
    written = str(body.get("written", ""))
    language = str(body.get("language", "")).strip().lower().replace("_", "-")
    row: dict[str, Any] = {
        "source": SOURCE,
        "subject": body["subject"],
        "lang": language if _LANGUAGE.fullmatch(language) else "",
        "instruction": f"Write the entry{named} of this medical record.",
        "input": f"Reason: {reason}" if reason else "",
        "output": text,
        "meta": {key: body[key] for key in _KEPT if body.get(key)},
    }
    if written and _WRITTEN.fullmatch(written):
        row["meta"]["written"] = written
    return {"id": f"{body['document']}.{digest_of(row)[:_DIGITS]}", **row}
