"""Text out of attachments: what is read, what is refused, and that neither takes long."""

from __future__ import annotations

import time
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from ccit.errors import InputError
from ccit.ingest.content import decoded, text_in


def pdf(text: str) -> bytes:
    writer = PdfWriter()
    page = writer.add_blank_page(200, 200)
    if text:
        font = DictionaryObject({NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1"),
                                 NameObject("/BaseFont"): NameObject("/Helvetica")})  # fmt: skip
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
        )
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 10 100 Td ({text}) Tj ET".encode())
        page[NameObject("/Contents")] = writer._add_object(stream)
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("value", "said", "found"),
    [
        (b"Plain.\r\nText.", "", ("Plain.\nText.", "plain")),
        ("5 µg".encode("latin-1"), "text/plain; charset=iso-8859-1", ("5 µg", "plain")),
        (b"<div xmlns='http://www.w3.org/1999/xhtml'>a<br/>b <b>c</b><script>x</script></div>", "", ("a\nb c", "html")),
        (b"<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "text/html", ("a b\nc", "html")),
        (b"<html><pre>one\n two</pre></html>", "", ("one\ntwo", "html")),
        (rb"{\rtf1\ansi\ansicpg1252 caf\'e9\par \u-10179?\u-8694?}", "text/plain", ("café\n\U0001f60a", "rtf")),
        (pdf("Fever and cough"), "", ("Fever and cough", "pdf")),
        (
            b"<ClinicalDocument><recordTarget>Jo</recordTarget><section><title>HPI</title><text>Ill.</text></section></ClinicalDocument>",
            "text/xml", ("HPI\nIll.", "cda"),
        ),
    ],
)  # fmt: skip
def test_text_is_found_by_what_the_bytes_are(value: bytes, said: str, found: tuple[str, str]) -> None:
    assert text_in(value, said) == found


@pytest.mark.parametrize(
    ("value", "reason", "said"),
    [
        (pdf(""), "empty", "perhaps it is a scan"),
        (b"%PDF-1.4 broken", "wrong_schema", "damaged"),
        (b"\xff\xd8\xff\xe0", "unsupported_type", "JPEG"),
        (b"PK\x03\x04", "unsupported_type", "Office"),
        (bytes(range(256)), "unsupported_type", "other bytes"),
        (b"  \n", "empty", "found none"),
        (rb"{\rtf1\uc \u9999999999}", "wrong_schema", "RTF"),
    ],
)
def test_what_holds_no_text_is_refused_by_name(value: bytes, reason: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        text_in(value)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "value",
    [
        b"<div>" * 100_000, b"<b>" * 100_000, b"<p>" * 100_000 + b"x", b"<div" * 100_000, b"<a href='" * 50_000,
        b"{\\rtf1 {\\fonttbl" + b"{\\f0\\fcharset0 " * 20_000,
        b"{\\rtf1 " + b"{\\field{\\*\\fldinst{HYPERLINK " * 20_000,
        b"{\\rtf1 " + b"{" * 200_000, b"%PDF-" + b"1 0 obj <<" * 20_000,
    ],
    ids=range(9),
)  # fmt: skip
def test_no_attachment_takes_long(value: bytes) -> None:
    started = time.process_time()
    with suppress(InputError):
        text_in(value, "text/html" if value.startswith(b"<") else "")
    assert time.process_time() - started < 3  # the square of these sizes takes minutes


@given(st.sampled_from([b"", b"%PDF-1.4\n", b"{\\rtf1 ", b"<html>", b"<ClinicalDocument>"]), st.binary(max_size=200))
@example(b"{\\rtf1 ", b"\0")
def test_any_bytes_are_text_or_a_refusal(start: bytes, rest: bytes) -> None:
    try:
        text, _ = text_in(start + rest)
    except InputError:
        return
    assert text.encode()


def test_base64_is_read_as_senders_write_it() -> None:
    assert decoded("aG\r\nk=") == decoded("aGk") == b"hi"
    with pytest.raises(InputError, match="base64"):
        decoded("a*b")
