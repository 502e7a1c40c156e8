from __future__ import annotations

import pytest

from ccit.ingest.hl7.facts import Fact, fact_in
from ccit.ingest.hl7.message import parse


def fact(line: str) -> Fact | None:
    return fact_in(parse(f"MSH|^~\\&|L|N|||2026||ADT^A01||P|2.5\r{line}".encode()).segments[1])


@pytest.mark.parametrize(
    ("line", "text", "at"),
    [
        ("DG1|1||J45^Asthma^I10||20260101|A", "Diagnosis: Asthma (type: A)", "20260101"),
        ("DG1|1|||Wheeze", "Diagnosis: Wheeze", ""),
        ("AL1|1|DA|7^Penicillin|SV|Hives~Rash|2019", "Allergy: Penicillin (category: DA, severity: SV, "
         "reaction: Hives, Rash)", "2019"),
        ("PR1|1||44^Appendectomy||20260102", "Procedure: Appendectomy", "20260102"),
        ("RXE||9^Aspirin|100||mg", "Medication: Aspirin (amount: 100, unit: mg)", ""),
    ],
)  # fmt: skip
def test_a_segment_is_one_sentence(line: str, text: str, at: str) -> None:
    found = fact(line)
    assert found is not None
    assert (found.text, found.at, found.taken_back) == (text, at, False)


def test_code_and_text_are_kept_apart() -> None:
    found = fact("DG1|1||J45^Asthma^I10|wheezes at night")
    assert found is not None
    assert found.fields == {"code": {"code": "J45", "text": "Asthma", "system": "I10"}, "text": "wheezes at night"}
    assert (found.label, found.text) == ("Asthma", "Diagnosis: Asthma, wheezes at night")


@pytest.mark.parametrize(("action", "taken_back"), [("D", True), ("A", False), ("d", True), ("", False)])
def test_an_action_takes_a_fact_back(action: str, taken_back: bool) -> None:
    found = fact(f"DG1|1||J45^Asthma{'|' * 18}{action}")
    assert found is not None
    assert found.taken_back is taken_back


@pytest.mark.parametrize("line", ["DG1|1", "PID|1||4711", "AL1|1|DA||SV"])
def test_what_states_nothing_is_no_fact(line: str) -> None:
    assert fact(line) is None
