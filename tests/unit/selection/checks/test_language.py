from __future__ import annotations

import logging

import pytest

from ccit.records import Sample
from ccit.selection.checks.language import LanguageCheck
from ccit.testing import check_context


def check(*languages: str) -> LanguageCheck:
    return LanguageCheck(LanguageCheck.Settings(languages=list(languages)), check_context())


def refused(lang: str, *languages: str) -> str | None:
    one = check(*languages)
    ((score,),) = one.score([Sample("s", "r", "ward", lang, "Why?", "Rest.")])
    return one.refuse(score)


@pytest.mark.parametrize(
    ("lang", "listed", "reason"),
    [
        ("en", ["en"], None),
        ("en-US", ["en"], None),
        ("EN_gb", ["en"], None),
        ("zh", ["en"], "language"),
        ("zh", ["en", "zh-Hant"], None),
        ("", ["en"], None),
        ("und", ["en"], None),
        ("", [], None),
        ("xx", [], None),
    ],
)
def test_the_primary_subtag_is_compared(lang: str, listed: list[str], reason: str | None) -> None:
    assert refused(lang, *listed) == reason


def test_records_without_a_language_are_named_once(caplog: pytest.LogCaptureFixture) -> None:
    one, sample = check("en"), Sample("s", "r", "ward", "", "Why?", "Rest.")
    with caplog.at_level(logging.WARNING, "ccit.selection"):
        for _ in range(3):
            ((score,),) = one.score([sample])
    assert len(caplog.records) == 1
    assert (score.value, score.unscored) == (None, "no language is named")


@pytest.mark.parametrize("declared", ["en", "", "zh"])
def test_the_language_is_identified_and_not_believed(declared: str) -> None:
    german = Sample(
        "s", "r", "ward", declared, "Welche Dosis ist richtig?", "Geben Sie zweimal am Tag fünf Milligramm."
    )
    one = check("en")
    believing = LanguageCheck(LanguageCheck.Settings(languages=["en"], identify=False), check_context())
    ((score,),), ((believed,),) = one.score([german]), believing.score([german])
    assert one.refuse(score) == "language"
    assert believing.refuse(believed) == {"en": None, "": None, "zh": "language"}[declared]
