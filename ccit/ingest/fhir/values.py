"""FHIR's data types as a person would read them, whatever of them is there.

Types are told by their shape, so that a value is read wherever it stands: `{"coding": [...]}` is a CodeableConcept,
`{"value": 9.1, "unit": "g/dL"}` a Quantity. What has no known shape is no text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def listed(value: Any) -> list[Any]:
    """A list, whether one came or a single value, without nulls."""
    found = value if isinstance(value, list) else [value]
    return [one for one in found if one is not None]


def text_of(value: Any) -> str:
    """A text, stripped; empty for anything else."""
    return value.strip() if isinstance(value, str) else ""


def words_of(value: Any) -> str:
    """A value in words; empty where there is nothing to say.

    >>> words_of({"value": 9.1, "unit": "g/dL", "comparator": "<"}), words_of(True)
    ('< 9.1 g/dL', 'yes')
    >>> words_of([{"coding": [{"code": "386661006", "display": "Fever"}]}, {"text": "Cough"}])
    'Fever, Cough'
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return ", ".join(dict.fromkeys(words for one in value if (words := words_of(one))))
    return _of_object(value) if isinstance(value, dict) else ""


def label_of(concept: Any) -> str:
    """What a person would call a CodeableConcept or a Coding.

    >>> label_of({"coding": [{"code": "I10", "display": "Hypertension"}]}), label_of({"coding": [{"code": "I10"}]})
    ('Hypertension', 'I10')
    """
    if not isinstance(concept, dict):
        return text_of(concept)
    codings = [coding for coding in listed(concept.get("coding")) if isinstance(coding, dict)] or [concept]
    shown = (text_of(coding.get("display")) for coding in codings)
    coded = (text_of(coding.get("code")) for coding in codings)
    return text_of(concept.get("text")) or next(filter(None, shown), "") or next(filter(None, coded), "")


def code_of(concept: Any) -> dict[str, str]:
    """A CodeableConcept or a Coding as `code`, `text` and `system`, what is there of them."""
    if not isinstance(concept, dict):
        return {"text": text} if (text := text_of(concept)) else {}
    codings = [coding for coding in listed(concept.get("coding")) if isinstance(coding, dict)]
    first = next((coding for coding in codings if coding.get("code")), codings[0] if codings else concept)
    parts = {
        "code": text_of(first.get("code")),
        "text": label_of(concept),
        "system": text_of(first.get("system")),
    }
    return {name: text for name, text in parts.items() if text}


def choice(resource: Mapping[str, Any], stem: str) -> Any:
    """The value of `stem[x]`: `valueQuantity` for `value`, or the plain name; None where there is none.

    >>> choice({"onsetDateTime": "2011"}, "onset"), choice({"code": "x"}, "onset")
    ('2011', None)
    """
    if resource.get(stem) is not None:
        return resource[stem]
    named = (key for key in resource if key.startswith(stem) and key[len(stem) : len(stem) + 1].isupper())
    return next((resource[key] for key in named if resource[key] is not None), None)


def at(resource: Any, path: str) -> list[Any]:
    """All values at a dotted path, through lists.

    >>> at({"reaction": [{"manifestation": [{"text": "Rash"}]}, {"severity": "mild"}]}, "reaction.manifestation")
    [{'text': 'Rash'}]
    """
    found = listed(resource)
    for step in path.split("."):
        inner = (choice(one, step) for one in found if isinstance(one, dict))
        found = [each for one in inner for each in listed(one)]
    return found


def days_of(value: Any) -> Iterator[tuple[str, str]]:
    """When: `("", day)` of a date or time, `("start", ...)` and `("end", ...)` of a Period, as they were written."""
    if isinstance(value, str) and value[:4].isdigit():
        yield "", value
    elif isinstance(value, dict):
        yield from ((name, value[name]) for name in ("start", "end") if isinstance(value.get(name), str))


def _of_object(value: Mapping[str, Any]) -> str:
    if "coding" in value or "display" in value or ("code" in value and "value" not in value):
        return label_of(value)
    if "numerator" in value or "denominator" in value:
        return " / ".join(filter(None, (words_of(value.get("numerator")), words_of(value.get("denominator")))))
    if "low" in value or "high" in value:
        return _range(words_of(value.get("low")), words_of(value.get("high")))
    if "start" in value or "end" in value:
        return " to ".join(filter(None, (text_of(value.get("start")), text_of(value.get("end")))))
    if "value" in value:
        parts = (value.get("comparator"), value["value"], value.get("unit") or value.get("code"))
        return " ".join(words for part in parts if not isinstance(part, dict | list) and (words := words_of(part)))
    return text_of(value.get("text"))


def _range(low: str, high: str) -> str:
    if low and high:
        return f"{low} - {high}"
    return f"at least {low}" if low else f"at most {high}" if high else ""
