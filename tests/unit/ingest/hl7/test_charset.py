from __future__ import annotations

import pytest

from ccit.errors import ConfigError, InputError
from ccit.ingest.hl7.charset import decode, require_charset

TEXT = "MSH|Müller, 5 µg"


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("8859/1", "iso8859-1"),
        ("unicode utf-8", "utf-8"),
        ("UTF8", "utf-8"),
        ("8859/15", "iso8859-15"),
        ("GB 18030-2000", "gb18030"),
        ("", "utf-8"),
    ],
)
def test_a_message_is_read_as_it_says(declared: str, codec: str) -> None:
    assert decode(TEXT.encode(codec), declared, "utf-8") == (TEXT, codec, ())


@pytest.mark.parametrize(
    ("value", "declared", "codec", "why"),
    [
        (TEXT.encode("latin-1"), "UTF-8", "cp1252", "says UTF-8 and the bytes are something else"),
        (TEXT.encode("latin-1"), "", "cp1252", "the default does not fit"),
        (TEXT.encode(), "ASCII", "utf-8", "says ASCII and the bytes are something else"),
        (TEXT.encode(), "Zyxwald", "utf-8", "names a character set that is not known"),
    ],
)
def test_where_it_says_wrong_something_else_reads_it_and_that_is_noted(
    value: bytes, declared: str, codec: str, why: str
) -> None:
    text, read_as, (note,) = decode(value, declared, "utf-8")
    assert (text, read_as) == (TEXT, codec)
    assert why in note.detail
    assert "Zyxwald" not in note.detail


def test_the_last_resort_reads_any_byte() -> None:
    text, codec, _ = decode(bytes(range(256)), "", "utf-8")
    assert (len(text), codec, text[0x80], text[0x81]) == (256, "cp1252", "€", "\x81")


@pytest.mark.parametrize("declared", ["UTF-16", "UNICODE UTF-32"])
def test_what_has_no_bytes_of_ascii_is_refused(declared: str) -> None:
    with pytest.raises(InputError, match="send UTF-8"):
        decode(TEXT.encode("utf-16"), declared, "utf-8")


def test_a_default_must_be_known_and_hold_ascii() -> None:
    assert require_charset("cp1252") == "cp1252"
    for name in ("klingon", "utf-16", "cp037"):
        with pytest.raises(ConfigError, match="ASCII is ASCII"):
            require_charset(name)
