"""Resources that state one fact each: diagnoses, procedures, medicines, allergies, visits, vaccinations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ccit.ingest.fhir.resource_text import Place, ResourceText, dates_of
from ccit.ingest.fhir.values import at, choice, code_of, label_of, listed, words_of


@dataclass(frozen=True, slots=True)
class ResourceFields:
    """Where a resource says what.

    Parameters
    ----------
    kind : str
        What a person calls such a fact.
    code : tuple[str, ...]
        Where its code stands; the first that is there.
    dates : Mapping[str, str]
        Name -> path; the first that is there is when the fact was written.
    more : Mapping[str, str]
        Name -> path of what else is told.
    """

    kind: str
    code: tuple[str, ...]
    dates: Mapping[str, str]
    more: Mapping[str, str]


_REASONS = {"reason": "reasonCode", "because of": "reasonReference"}

FACTS: Mapping[str, ResourceFields] = {
    "Condition": ResourceFields(
        "diagnosis",
        ("code",),
        {"recorded": "recordedDate", "onset": "onset", "abated": "abatement"},
        {
            "status": "clinicalStatus",
            "verification": "verificationStatus",
            "severity": "severity",
            "site": "bodySite",
            "stage": "stage.summary",
            "evidence": "evidence.code",
            "note": "note.text",
        },
    ),
    "Procedure": ResourceFields(
        "procedure",
        ("code", "category"),
        {"performed": "performed"},
        {
            "status": "status",
            "status reason": "statusReason",
            **_REASONS,
            "site": "bodySite",
            "outcome": "outcome",
            "complication": "complication",
            "follow-up": "followUp",
            "note": "note.text",
        },
    ),
    "MedicationRequest": ResourceFields(
        "medication",
        ("medication",),
        {"written": "authoredOn"},
        {"status": "status", "intent": "intent", **_REASONS, "note": "note.text"},
    ),
    "MedicationStatement": ResourceFields(
        "medication",
        ("medication",),
        {"asserted": "dateAsserted", "taken": "effective"},
        {"status": "status", **_REASONS, "note": "note.text"},
    ),
    "MedicationAdministration": ResourceFields(
        "administration",
        ("medication",),
        {"given": "effective"},
        {"status": "status", **_REASONS, "note": "note.text"},
    ),
    "Immunization": ResourceFields(
        "immunization",
        ("vaccineCode",),
        {"given": "occurrence"},
        {
            "status": "status",
            "status reason": "statusReason",
            **_REASONS,
            "dose": "doseQuantity",
            "site": "site",
            "route": "route",
            "note": "note.text",
        },
    ),
    "AllergyIntolerance": ResourceFields(
        "allergy",
        ("code", "reaction.substance"),
        {"recorded": "recordedDate", "onset": "onset", "last": "lastOccurrence"},
        {
            "status": "clinicalStatus",
            "verification": "verificationStatus",
            "type": "type",
            "category": "category",
            "criticality": "criticality",
            "reaction": "reaction.manifestation",
            "severity": "reaction.severity",
            "described as": "reaction.description",
            "note": "note.text",
        },
    ),
    "Encounter": ResourceFields(
        "visit",
        ("type", "serviceType", "class"),
        {"admitted": "period"},
        {
            "status": "status",
            "class": "class",
            **_REASONS,
            "diagnosis": "diagnosis.condition",
            "length": "length",
            "discharge": "hospitalization.dischargeDisposition",
        },
    ),
}
_TIMING = {"h": "hour", "d": "day", "wk": "week", "mo": "month", "min": "minute", "s": "second", "a": "year"}


def fact_in(place: Place) -> ResourceText:
    """The fact in a resource of one of the types in `FACTS`.

    >>> from ccit.ingest.fhir.resources import ResourceSet
    >>> resource = {"resourceType": "Condition", "code": {"text": "Asthma"}, "severity": {"text": "mild"}}
    >>> fact_in(Place(resource, ResourceSet([]), resource)).text
    'Diagnosis: Asthma (severity: mild)'
    """
    resource = place.resource
    known = FACTS[str(resource["resourceType"])]
    concept = next((place.concept(value) for path in known.code for value in at(resource, path)), None)
    more = {name: words for name, path in known.more.items() if (words := place.words(path))}
    if doses := "; ".join(filter(None, map(dose_of, _dosages(resource)))):
        more["dosage"] = doses
    label = label_of(concept)
    told = ", ".join(f"{name}: {words}" for name, words in more.items())
    text = f"{known.kind.capitalize()}: {label or 'not coded'}" + (f" ({told})" if told else "")
    dates = dates_of(resource, known.dates)
    return ResourceText(
        kind=known.kind,
        title=label,
        text=text if label or told else "",
        written=next(iter(dates.values()), ""),
        dates=dates,
        fields={
            **({"code": code} if (code := code_of(concept)) else {}),
            **{name.replace(" ", "_"): words for name, words in more.items()},
        },
    )


def dose_of(dosage: Any) -> str:
    """How a medicine is taken: the prescriber's words, else dose, frequency and route.

    >>> dose_of({"timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}, "route": {"text": "oral"},
    ...          "doseAndRate": [{"doseQuantity": {"value": 5, "unit": "mg"}}]})
    '5 mg, 2 per day, oral'
    """
    if not isinstance(dosage, dict):
        return ""
    dose = words_of([choice(one, "dose") for one in at(dosage, "doseAndRate")]) or words_of(dosage.get("dose"))
    repeat = next((one for one in at(dosage, "timing.repeat") if isinstance(one, dict)), {})
    said = words_of(dosage.get("text"))
    parts = [said] if said else [dose, _often(repeat), words_of(dosage.get("route")), words_of(dosage.get("site"))]
    needed = "as needed" if dosage.get("asNeededBoolean") is True else words_of(dosage.get("asNeededCodeableConcept"))
    return ", ".join(filter(None, (*parts, needed, words_of(dosage.get("additionalInstruction")))))


def _dosages(resource: Mapping[str, Any]) -> list[Any]:
    return listed(resource.get("dosageInstruction")) + listed(resource.get("dosage"))


def _often(repeat: Mapping[str, Any]) -> str:
    frequency, period, unit = (words_of(repeat.get(name)) for name in ("frequency", "period", "periodUnit"))
    if not frequency or not period:
        return ""
    unit = _TIMING.get(unit, unit)
    return f"{frequency} per {unit}" if period in ("1", "1.0") else f"{frequency} per {period} {unit}s"
