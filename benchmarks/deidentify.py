"""De-identification: recall by class, documents that are wholly clean, what is masked for nothing, notes per second.

    python -m benchmarks.deidentify --labelled FILE.jsonl --notes FOLDER

Without files: the generator of structured identifiers below, and generated notes. `--labelled`: rows of text with
labelled spans (`{"text", "spans": [{"type", "start", "end"}]}`). `--notes`: a FHIR bulk export (Patient and
DocumentReference).
"""

from __future__ import annotations

import argparse
import base64
import json
import math
import random
import string
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from stdnum import iban, luhn
from stdnum.fr import nir
from stdnum.iso7064 import mod_11_2

from ccit.clinical import Address, Identifier, Name, Person
from ccit.deidentify.deidentifier import Cleaned, Deidentifier
from ccit.deidentify.safe_harbor import SafeHarbor
from ccit.ports.deidentify import Known
from ccit.testing import recognisers

AROUND = (
    ("Seen in clinic. ", ". BP 120/80, Hgb 9.1."),
    ("Pt with CHF, on Lasix 40 mg b.i.d.; ", ", discussed at length."),
    ("Assessment: stable.\n", "\nPlan: follow up in 2 weeks."),
)
STRUCTURED = (
    *("CREDIT_CARD", "PHONE_NUMBER", "EMAIL_ADDRESS", "DOMAIN_NAME"),
    *("IBAN_CODE", "US_SSN", "IP_ADDRESS", "US_DRIVER_LICENSE"),
)
MONTHS = "January February March April May June July August September October November December"
FILLING = " The chest is clear to auscultation, the abdomen soft; sodium 138, potassium 4.1, creatinine 1.2."


def digits(drawn: random.Random, count: int) -> str:
    return "".join(drawn.choice(string.digits) for _ in range(count))


def capitals(drawn: random.Random, count: int) -> str:
    return "".join(drawn.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(count))


def card(d: random.Random) -> str:
    body = d.choice(("4", "51", "37", "6011")) + digits(d, 11)
    number = body + luhn.calc_check_digit(body)
    return d.choice((number, " ".join(number[i : i + 4] for i in range(0, len(number), 4))))


def bank(d: random.Random) -> str:
    country = d.choice(("GB", "DE"))
    body = capitals(d, 4) + digits(d, 14) if country == "GB" else digits(d, 18)
    whole = country + iban.calc_check_digits(f"{country}00{body}") + body
    return d.choice((whole, iban.format(whole)))


def nhs(d: random.Random) -> str:
    while True:
        body = digits(d, 9)
        check = 11 - sum((10 - i) * int(c) for i, c in enumerate(body)) % 11
        if check != 10:
            n = f"{body}{check % 11}"
            return d.choice((n, f"{n[:3]} {n[3:6]} {n[6:]}", f"{n[:3]}-{n[3:6]}-{n[6:]}"))


def french(d: random.Random) -> str:
    body = f"{d.choice('12')}{digits(d, 2)}{d.randint(1, 12):02d}{d.randint(1, 95):02d}{digits(d, 6)}"
    return body + nir.calc_check_digits(body)


def chinese(d: random.Random) -> str:
    body = f"110105{d.randint(1930, 2015)}{d.randint(1, 12):02d}{d.randint(1, 28):02d}{digits(d, 3)}"
    return body + mod_11_2.calc_check_digit(body)


def phone(d: random.Random) -> str:
    a, b, c = str(d.randint(201, 989)), str(d.randint(200, 999)), digits(d, 4)
    us = (f"({a}) {b}-{c}", f"{a}-{b}-{c}", f"{a}.{b}.{c}", f"+1 {a} {b} {c}", f"{a}-{b}-{c} x{digits(d, 3)}")
    others = (
        f"020 {digits(d, 4)} {digits(d, 4)}",
        f"+44 7{digits(d, 3)} {digits(d, 6)}",
        f"+49 30 {digits(d, 7)}",
        f"030/{digits(d, 7)}",
        f"0{d.randint(1, 9)} {digits(d, 2)} {digits(d, 2)} {digits(d, 2)} {digits(d, 2)}",
        f"1{d.choice('3456789')}{digits(d, 9)}",
    )
    return d.choice((*us, *others))


def day(d: random.Random) -> str:
    y, m, n = d.randint(1950, 2025), d.randint(1, 12), d.randint(1, 28)
    month = MONTHS.split()[m - 1]
    numbers = (f"{y}-{m:02d}-{n:02d}", f"{m}/{n}/{y}", f"{m:02d}/{n:02d}/{y % 100:02d}", f"{n:02d}.{m:02d}.{y}")
    words = (f"{month} {n}, {y}", f"{n} {month} {y}", f"{n:02d}-{month[:3].upper()}-{y}", f"{month} {y}")
    return d.choice((*numbers, *words, f"{y}{m:02d}{n:02d}", f"{y}年{m}月{n}日"))


def old(d: random.Random) -> str:
    years = d.randint(90, 109)
    return d.choice((f"{years}-year-old", f"{years} y/o", f"aged {years}"))


def postcode(d: random.Random) -> str:
    return f"{d.choice(('SW1A', 'M1', 'EC2V', 'RW21'))} {d.randint(1, 9)}{d.choice('ABDEFG')}{d.choice('HJLNPQ')}"


FORMS: Mapping[str, Callable[[random.Random], str]] = {
    "record number": lambda d: f"MRN{d.choice((': ', ' ', ' #'))}{digits(d, d.randint(5, 9))}",
    "record number, letters": lambda d: f"MRN {capitals(d, 2)}-{digits(d, 6)}",
    "account": lambda d: f"account no. {digits(d, 8)}",
    "plan": lambda d: f"policy {capitals(d, 3)}{digits(d, 6)}",
    "licence": lambda d: f"license {capitals(d, 1)}{digits(d, 7)}",
    "device": lambda d: f"serial number {capitals(d, 2)}{digits(d, 5)}",
    "plate": lambda d: f"license plate {capitals(d, 3)}{digits(d, 4)}",
    "VIN": lambda d: "1HGCM826" + d.choice("0123456789X") + "3A" + digits(d, 6),
    "US SSN": lambda d: d.choice((f"{digits(d, 3)}-{digits(d, 2)}-{digits(d, 4)}", f"SSN {digits(d, 9)}")),
    "NHS number": nhs,
    "French NIR": french,
    "Chinese resident number": chinese,
    "card": card,
    "IBAN": bank,
    "phone": phone,
    "mail": lambda d: f"{capitals(d, 5).lower()}.{capitals(d, 4).lower()}{digits(d, 2)}@mail.example.org",
    "URL": lambda d: f"https://portal.example.org/p/{digits(d, 5)}?k={capitals(d, 4)}",
    "IPv4": lambda d: ".".join(str(d.randint(1, 254)) for _ in range(4)),
    "IPv6": lambda d: ":".join(f"{d.randint(4096, 65535):x}" for _ in range(8)),
    "date": day,
    "age over 89": old,
    "US ZIP": lambda d: f"{d.choice(('KS', 'MA', 'TX'))} {digits(d, 5)}",
    "GB postcode": postcode,
}


def generated(deidentifier: Deidentifier, count: int, seed: int) -> None:
    print(f"\nStructured identifiers, {count} of each form, made here (seed {seed}):\n")
    print("| form | recall, % | missed |\n|---|---|---|")
    drawn, found_in_all = random.Random(seed), 0
    for form, make in FORMS.items():
        missed = sum(not gone(deidentifier, make(drawn), *drawn.choice(AROUND)) for _ in range(count))
        found_in_all += count - missed
        print(f"| {form} | {100 * (1 - missed / count):.2f} | {missed} |")
    made = count * len(FORMS)
    low, high = wilson(found_in_all, made)
    print(f"| **all** | {100 * found_in_all / made:.2f} ({low:.2f} to {high:.2f}) | {made - found_in_all} |")


def gone(deidentifier: Deidentifier, value: str, before: str, after: str) -> bool:
    """Whether every digit is masked, and of an address every letter; a label may stay, and the year of a date."""
    whole = "@" in value or "://" in value
    covered = cover(deidentifier.clean(before + value + after), len(before + value + after))
    return all(covered[i] for i, c in enumerate(value, start=len(before)) if c.isdigit() or (whole and c.isalpha()))


def cover(cleaned: Cleaned, length: int) -> list[bool]:
    covered = [False] * length
    for span in cleaned.replaced:
        covered[span.start : span.end] = [True] * (span.end - span.start)
    return covered


def labelled(deidentifier: Deidentifier, file: Path) -> None:
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    total: Counter[str] = Counter()
    hit: Counter[str] = Counter()
    clean = structured_clean = structured_rows = found = right = plain = lost = 0
    for row in rows:
        text, spans = row["text"], row["spans"]
        cleaned = deidentifier.clean(text)
        covered = cover(cleaned, len(text))
        masked = [all(covered[i] or not text[i].isalnum() for i in range(s["start"], s["end"])) for s in spans]
        total.update(span["type"] for span in spans)
        hit.update(span["type"] for span, ok in zip(spans, masked, strict=True) if ok)
        clean += all(masked)
        of_structure = [ok for span, ok in zip(spans, masked, strict=True) if span["type"] in STRUCTURED]
        structured_rows += bool(of_structure)
        structured_clean += bool(of_structure) and all(of_structure)
        found += len(cleaned.replaced)
        right += sum(any(s["start"] < f.end and f.start < s["end"] for s in spans) for f in cleaned.replaced)
        inside = {i for s in spans for i in range(s["start"], s["end"])}
        outside = [i for i, c in enumerate(text) if i not in inside and c.isalnum()]
        plain += len(outside)
        lost += sum(covered[i] for i in outside)
    print(f"\n{file.name}, {len(rows)} texts, rules alone, no record beside them:\n")
    print("| class | spans | recall, % |\n|---|---|---|")
    for kind in sorted(total, key=lambda k: (k not in STRUCTURED, k)):
        mark = " (structured)" if kind in STRUCTURED else ""
        print(f"| {kind}{mark} | {total[kind]} | {100 * hit[kind] / total[kind]:.1f} |")
    print(f"\nDocuments wholly clean: {clean} of {len(rows)} ({100 * clean / len(rows):.1f} %).")
    print(f"With every structured identifier gone: {structured_clean} of the {structured_rows} that hold one.")
    print(f"Precision by span: {100 * right / found:.1f} % of {found}.")
    print(f"Letters and digits masked outside of labelled spans: {100 * lost / plain:.2f} %.")


def wilson(right: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share, in percent."""
    share, weight = right / count, z * z / count
    middle = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / count + weight / count / 4) / (1 + weight)
    return 100 * (middle - half), 100 * (middle + half)


def person_in(patient: Mapping[str, Any]) -> Person:
    return Person(
        "patient",
        names=tuple(Name(n.get("family", ""), tuple(n.get("given", ()))) for n in patient.get("name", ())),
        identifiers=tuple(Identifier(str(i["value"])) for i in patient.get("identifier", ()) if "value" in i),
        addresses=tuple(address_in(address) for address in patient.get("address", ())),
        contacts=tuple(str(t["value"]) for t in patient.get("telecom", ()) if "value" in t),
        born=patient.get("birthDate", ""),
    )


def address_in(address: Mapping[str, Any]) -> Address:
    return Address(tuple(address.get("line", ())), address.get("city", ""), postal_code=address.get("postalCode", ""))


def notes_in(folder: Path) -> Iterator[tuple[str, Known]]:
    """The notes of a bulk export, each with what its patient's record holds."""
    people = {}
    for file in sorted(folder.glob("Patient*.ndjson")):
        for line in file.read_text("utf-8").splitlines():
            patient = json.loads(line)
            people[f"Patient/{patient['id']}"] = person_in(patient)
    for file in sorted(folder.glob("DocumentReference*.ndjson")):
        for line in file.read_text("utf-8").splitlines():
            document = json.loads(line)
            text = base64.b64decode(document["content"][0]["attachment"]["data"]).decode()
            yield text, Known((people[document["subject"]["reference"]],), year=int(document["date"][:4]))


def notes(deidentifier: Deidentifier, folder: Path, most: int) -> None:
    taken = list(notes_in(folder))[:most]
    letters = masked = left = leaked = 0
    kinds: Counter[str] = Counter()
    for text, known in taken:
        cleaned = deidentifier.clean(text, known)
        covered = cover(cleaned, len(text))
        letters += sum(c.isalnum() for c in text)
        masked += sum(c.isalnum() and covered[i] for i, c in enumerate(text))
        kinds.update(span.kind for span in cleaned.replaced)
        left += bool(cleaned.left)
        names = {part for person in known.people for name in person.names for part in (name.family, *name.given)}
        leaked += any(part in cleaned.text for part in names)
    print(f"\n{len(taken)} clinical notes beside their patients' records: {left} held back.")
    print(f"A name of the record left in {leaked}. Letters and digits masked: {100 * masked / letters:.2f} %.")
    print(f"Spans: {dict(kinds.most_common())}.")


def speed(deidentifier: Deidentifier, texts: Sequence[tuple[str, Known]]) -> None:
    start, count, size = time.process_time(), 0, 0
    while time.process_time() - start < 4:
        text, known = texts[count % len(texts)]
        deidentifier.clean(text, known)
        count, size = count + 1, size + len(text.encode())
    taken = time.process_time() - start
    print(f"\nSpeed on one core: {count / taken:.0f} notes/s of {size / count / 1000:.1f} kB.")


def made_notes(seed: int) -> list[tuple[str, Known]]:
    """Notes of 2 kB with ten identifiers each, and the name of their patient."""
    drawn, made = random.Random(seed), []
    person = Person("patient", (Name("Esterkin", ("Sumiko", "Lee")),), (Identifier("2590157853"),))
    for _ in range(400):
        pieces = ["Sumiko Esterkin was seen."]
        for form in drawn.sample(sorted(FORMS), 10):
            before, after = drawn.choice(AROUND)
            pieces.append(before + FORMS[form](drawn) + after)
        text = " ".join(pieces)
        text += FILLING * max(0, (2000 - len(text)) // len(FILLING))
        made.append((text, Known((person,), year=2020)))
    return made


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--labelled", type=Path)
    parser.add_argument("--notes", type=Path)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    deidentifier = Deidentifier(recognisers(), SafeHarbor())
    generated(deidentifier, asked.count, asked.seed)
    if asked.labelled is not None:
        labelled(deidentifier, asked.labelled)
    speed(deidentifier, made_notes(asked.seed))
    if asked.notes is not None:
        notes(deidentifier, asked.notes, 300)


if __name__ == "__main__":
    main()
