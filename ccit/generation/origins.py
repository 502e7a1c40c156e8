"""How a generated sample was made, as its decision tells it: record, prompt, model and evidence.

The record says it in `meta.generated` (`rows.py`), but records are kept for a week and samples for months; so the
decision carries it on, among its annotations, to the topics of samples and rejects.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from ccit.records import Record

PREFIX = "generated."
_NAMES = ("prompt", "prompt_digest", "record_digest", "model")
_LONGEST_NAME = 512  # characters
_LONGEST_EVIDENCE = 16_000  # of all passages; more than any that a prompt of ours asks for


def annotations_of(record: Record) -> Mapping[str, str]:
    """What a decision about a record's sample says of how it was made; empty for one that nobody says was generated.

    A hospital may write rows itself, so what is not as `ccit generate` writes it is left out.

    Example
    -------
    >>> made = {"prompt": "summary.v1.en", "model": "m@7", "evidence": ["clear lungs"]}
    >>> body = {"meta": {"document": "d1", "generated": made}}
    >>> annotations_of(Record("r", "s", "generated", 0.0, body))["generated.evidence"]
    '["clear lungs"]'
    """
    meta = record.body.get("meta")
    made = meta.get("generated") if isinstance(meta, Mapping) else None
    if not isinstance(meta, Mapping) or not isinstance(made, Mapping):
        return {}
    said = {name: made.get(name) for name in _NAMES} | {"document": meta.get("document")}
    found = {
        f"{PREFIX}{name}": value
        for name, value in said.items()
        if isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME
    }
    evidence = made.get("evidence")
    if isinstance(evidence, list) and evidence and all(isinstance(passage, str) for passage in evidence):
        text = json.dumps(evidence, ensure_ascii=False)
        if len(text) <= _LONGEST_EVIDENCE:
            found[f"{PREFIX}evidence"] = text
    return found
