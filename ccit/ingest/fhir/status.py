"""What a resource's status says of its document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ccit.clinical import Status
from ccit.ingest.fhir.values import code_of, text_of

_MEANS: Mapping[str, Status] = {
    "entered-in-error": "withdrawn",
    "cancelled": "withdrawn",
    "amended": "amended",
    "corrected": "amended",
    "appended": "amended",
    "registered": "preliminary",
    "partial": "preliminary",
    "preliminary": "preliminary",
    "draft": "preliminary",
    "planned": "preliminary",
    "preparation": "preliminary",
    "in-progress": "preliminary",
    "unconfirmed": "preliminary",
    "provisional": "preliminary",
    "differential": "preliminary",
    "unknown": "unknown",
}
_WITHDRAWING = ("status", "docStatus", "verificationStatus")


def status_of(resource: Mapping[str, Any]) -> Status:
    """Withdrawn where any status says entered-in-error; else what `docStatus`, `status` or `verificationStatus` says.

    A status that is a medical statement (refuted, stopped, not-done) leaves the document final: its text says it.

    >>> status_of({"status": "corrected"}), status_of({"verificationStatus": {"text": "entered-in-error"}})
    ('amended', 'withdrawn')
    """
    said = [code for key in _WITHDRAWING if (code := _code(resource.get(key)))]
    if any(_MEANS.get(code) == "withdrawn" for code in said):
        return "withdrawn"
    told = _code(resource.get("docStatus")) or (said[0] if said else "")
    return _MEANS.get(told, "final") if told else "unknown"


def _code(value: Any) -> str:
    coded = code_of(value)
    return (text_of(value) or coded.get("code") or coded.get("text", "")).lower()
