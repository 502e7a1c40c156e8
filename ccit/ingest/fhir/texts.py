"""Documents and reports: DocumentReference, DiagnosticReport, Composition.

An attachment's text is its `data`, or that of a Binary in the same message. A URL that leads out of the message is
noted and not fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ccit.clinical import Note
from ccit.errors import InputError
from ccit.ingest.content import decoded, text_in
from ccit.ingest.fhir.observations import line_of
from ccit.ingest.fhir.resource_text import Place, ResourceText, dates_of
from ccit.ingest.fhir.resources import targets_of
from ccit.ingest.fhir.values import at, code_of, label_of, listed, text_of, words_of

_MOST_SECTIONS = 1000


def document_reference_in(place: Place) -> ResourceText:
    """The first of its attachments that can be read: several are the same document in several formats."""
    resource = place.resource
    text, notes = _first_read(place, at(resource, "content.attachment"))
    if resource.get("status") == "superseded":
        notes = (*notes, Note("superseded", "the sender says that a newer document takes the place of this one"))
    dates = dates_of(resource, {"written": "date", "visit": "context.period"})
    return ResourceText(
        kind=label_of(resource.get("type")) or "document",
        title=text_of(resource.get("description")) or label_of(resource.get("type")),
        text=text,
        written=dates.get("written", ""),
        dates=dates,
        fields={"code": code_of(resource.get("type"))},
        replaces=tuple(_related(resource, "relatesTo")),
        notes=notes,
    )


def report_in(place: Place) -> ResourceText:
    """What a DiagnosticReport concludes, its results, its presented form; where there is none, its narrative."""
    resource = place.resource
    results = [found for one in listed(resource.get("result")) if (found := place.resolved(one)) is not None]
    attached, notes = _first_read(place, listed(resource.get("presentedForm")))
    parts = (
        f"Clinical information: {reason}" if (reason := place.words("reasonCode")) else "",
        "\n".join(filter(None, map(line_of, results))),
        words_of(resource.get("conclusion")),
        f"Conclusion: {codes}" if (codes := words_of(resource.get("conclusionCode"))) else "",
        attached,
    )
    text = "\n".join(filter(None, parts)) or _narrative(resource.get("text"))
    dates = dates_of(resource, {"observed": "effective", "resulted": "issued"})
    return ResourceText(
        kind=label_of(resource.get("code")) or "report",
        title=label_of(resource.get("code")),
        text=text,
        written=dates.get("resulted") or dates.get("observed", ""),
        dates=dates,
        fields={"code": code_of(resource.get("code"))},
        notes=notes,
    )


def composition_in(place: Place) -> ResourceText:
    """The narrative of a Composition's sections, each under its title; the whole narrative where it has none."""
    resource = place.resource
    text = "\n".join(_sections(resource)) or _narrative(resource.get("text"))
    dates = dates_of(resource, {"written": "date"})
    return ResourceText(
        kind=label_of(resource.get("type")) or "document",
        title=text_of(resource.get("title")),
        text=text,
        written=dates.get("written", ""),
        dates=dates,
        fields={"code": code_of(resource.get("type"))},
        replaces=tuple(_related(resource, "relatesTo")),
    )


def _first_read(place: Place, attachments: list[Any]) -> tuple[str, tuple[Note, ...]]:
    """The text of the first attachment that has one, and what was noticed on the way to it."""
    notes: list[Note] = []
    for attachment in attachments:
        if not isinstance(attachment, dict):
            continue
        try:
            text, form = _read(place, attachment)
        except InputError as error:
            notes.append(Note("not_read", error.detail))
        except _Elsewhere as error:
            notes.append(Note("not_fetched", str(error)))
        else:
            return text, (*notes, Note("attachment", f"text was taken out of an attachment ({form})"))
    return "", tuple(notes)


class _Elsewhere(Exception):
    """An attachment whose bytes are not in the message."""


def _read(place: Place, attachment: Mapping[str, Any]) -> tuple[str, str]:
    said = text_of(attachment.get("contentType"))
    data, url = attachment.get("data"), text_of(attachment.get("url"))
    if not isinstance(data, str) and url:
        data, inner = _behind(place, url)
        said = said or inner
    if not isinstance(data, str):
        raise _Elsewhere("an attachment has no data; an extension may say where the sender put it")
    return text_in(decoded(data), said)


def _behind(place: Place, url: str) -> tuple[Any, str]:
    """Data and type of what an attachment points to inside the message."""
    if url.startswith("data:"):
        head, _, data = url.removeprefix("data:").partition(",")
        if head.endswith(";base64"):
            return data, head.removesuffix(";base64")
        raise InputError("wrong_schema", "expected base64 in the attachment's data URL, found other text")
    found = place.resolved(url)
    if found is None:
        inside = any(name.startswith("Binary/") and name == url for name in targets_of(url))
        raise _Elsewhere(
            "an attachment points to a Binary that did not come along"
            if inside
            else "an attachment is only pointed to by a URL, which is not fetched"
        )
    return found.get("data") or found.get("content"), text_of(found.get("contentType"))


def _related(resource: Mapping[str, Any], key: str) -> Iterator[str]:
    """Documents that this one takes the place of."""
    for relation in listed(resource.get(key)):
        if isinstance(relation, dict) and relation.get("code") == "replaces":
            target = relation.get("target") or relation.get("targetReference")
            names = [name for name in targets_of(target) if not name.startswith(("http:", "https:"))]
            yield from names[-1:]


def _sections(resource: Mapping[str, Any]) -> Iterator[str]:
    level = [one for one in listed(resource.get("section")) if isinstance(one, dict)]
    for _ in range(_MOST_SECTIONS):
        if not level:
            return
        section = level.pop(0)
        yield from filter(None, (text_of(section.get("title")), _narrative(section.get("text"))))
        level[:0] = [one for one in listed(section.get("section")) if isinstance(one, dict)]


def _narrative(narrative: Any) -> str:
    """The text of a Narrative; empty where there is none, or none that can be read."""
    div = text_of(narrative.get("div")) if isinstance(narrative, dict) else ""
    if not div:
        return ""
    try:
        return text_in(div.encode("utf-8"), "text/html", "utf-8")[0]
    except InputError:
        return ""
