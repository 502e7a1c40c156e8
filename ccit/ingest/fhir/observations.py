"""Observation: a measurement or a finding, with its parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ccit.ingest.fhir.resource_text import Place, ResourceText, dates_of
from ccit.ingest.fhir.values import choice, code_of, label_of, listed, words_of

_DATES = {"observed": "effective", "resulted": "issued"}


def observation_in(place: Place) -> ResourceText:
    """An Observation as a line, its components below it.

    >>> from ccit.ingest.fhir.resources import ResourceSet
    >>> resource = {"code": {"text": "Hgb"}, "valueQuantity": {"value": 9.1, "unit": "g/dL"},
    ...             "referenceRange": [{"low": {"value": 12}}], "interpretation": [{"text": "low"}]}
    >>> observation_in(Place(resource, ResourceSet([]), resource)).text
    'Hgb: 9.1 g/dL (at least 12) low'
    """
    resource = place.resource
    lines = [line_of(resource), *(f"  {line_of(part)}" for part in _parts(resource))]
    about = {name: words for name, path in _MORE.items() if (words := place.words(path))}
    lines += [f"  {name}: {words}" for name, words in about.items()]
    dates = dates_of(resource, _DATES)
    entries = [entry for part in (resource, *_parts(resource)) if (entry := _entry(part))]
    return ResourceText(
        kind="observation",
        title=label_of(resource.get("code")),
        text="\n".join(line for line in lines if line.strip()),
        written=dates.get("resulted") or dates.get("observed", ""),
        dates=dates,
        fields={"code": code_of(resource.get("code")), **({"observations": entries} if entries else {}), **about},
    )


_MORE = {"site": "bodySite", "method": "method", "note": "note.text"}


def line_of(part: Mapping[str, Any]) -> str:
    """An Observation, or one component of it: name, value, range, interpretation; empty where it has no value.

    >>> line_of({"code": {"text": "Smoker"}, "valueBoolean": False})
    'Smoker: no'
    """
    value = words_of(choice(part, "value")) or words_of(part.get("dataAbsentReason"))
    if not value:
        return ""
    ranges = [one for one in listed(part.get("referenceRange")) if isinstance(one, dict)]
    around = ", ".join(filter(None, (words_of(one.get("text")) or words_of(one) for one in ranges)))
    name, flags = label_of(part.get("code")), words_of(part.get("interpretation"))
    said = " ".join(filter(None, (value, f"({around})" if around else "", flags)))
    return f"{name}: {said}" if name else said


def _parts(resource: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from (part for part in listed(resource.get("component")) if isinstance(part, dict))


def _entry(part: Mapping[str, Any]) -> dict[str, Any]:
    value = choice(part, "value")
    if value is None:
        return {}
    quantity = value if isinstance(value, dict) and "value" in value else {}
    number = quantity.get("value")
    entry = {
        "code": code_of(part.get("code")),
        "value": number if isinstance(number, int | float) else words_of(value),
        "unit": words_of(quantity.get("unit")) or words_of(quantity.get("code")),
        "range": ", ".join(filter(None, map(words_of, listed(part.get("referenceRange"))))),
        "flags": words_of(part.get("interpretation")),
    }
    return {name: kept for name, kept in entry.items() if kept not in ("", {})}
