"""Escape sequences: what is defined is replaced, everything else stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.ingest.hl7.escapes import Unescape

unescape = Unescape("|^~\\&", "utf-8")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"4\5 re", r"4\5 re"),
        (r"Smith \T\ Jones", "Smith & Jones"),
        (r"one\.br\two", "one\ntwo"),
        (r"a\X0D\\X0A\b", "a\nb"),
        (r"a\X0d0a\b", "a\nb"),
        (r"\E\R\ ", "\\R\\ "),
        (r"\F\\S\\R\\E\\T\ ", "|^~\\& "),
        (r"an open \backslash", r"an open \backslash"),
        (r"\XC3\\XBC\ ber", "ü ber"),
        (r"\XFC\ ber", "ü ber"),
        (r"\X0\ odd", r"\X0\ odd"),
        (r"\H\bold\N\ ", "bold "),
        (r"\.sp3\x", "\n\n\nx"),
        (r"\.sp9999\x", "\n" * 20 + "x"),
        (r"\.in+4\x", "x"),
        (r"\Zlocal\ \C2842\ \Q\ ", r"\Zlocal\ \C2842\ \Q\ "),
        ("a\r\nb\rc", "a\nb\nc"),
    ],
)
def test_what_is_defined_is_replaced_and_the_rest_kept(written: str, meant: str) -> None:
    assert unescape(written) == meant


@given(st.text(st.characters(exclude_characters="\r")))
def test_escaping_comes_back(text: str) -> None:
    written = "".join(
        {"|": r"\F\ "[:3], "^": r"\S\ "[:3], "~": r"\R\ "[:3], "\\": r"\E\ "[:3], "&": r"\T\ "[:3]}.get(c, c)
        for c in text
    )
    assert unescape(written) == text
