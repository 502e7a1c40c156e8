"""Which characters the bytes of a message are: as MSH-18 says, else a configured default, else a stated fallback.

Names are those of HL7 table 0211. A message that says nothing is ASCII by the standard and anything in practice.
"""

from __future__ import annotations

import codecs

from ccit.clinical import Note
from ccit.errors import ConfigError, InputError

_CODECS = {
    "ASCII": "ascii",
    "ISO IR6": "ascii",
    "UNICODE UTF-8": "utf-8",
    "UNICODE": "utf-8",  # withdrawn from the table in 2.6, and sent for UTF-8
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "ISO IR14": "iso2022_jp",
    "ISO IR87": "iso2022_jp",
    "ISO IR159": "iso2022_jp_1",
    "GB 18030-2000": "gb18030",
    "GB18030": "gb18030",
    "GB2312": "gb18030",
    "KS X 1001": "euc_kr",
    "BIG-5": "big5",
    "BIG5": "big5",
    **{f"8859/{part}": f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
    **{f"ISO 8859/{part}": f"iso8859-{part}" for part in (1, 2, 9, 15)},
    **{f"ISO-8859-{part}": f"iso8859-{part}" for part in (1, 2, 9, 15)},
    "WINDOWS-1252": "cp1252",
    "CP1252": "cp1252",
}
_WIDE = {"UNICODE UTF-16", "UTF-16", "UNICODE UTF-32", "UTF-32"}
LAST = "cp1252"
"""What bytes are read as when nothing else fits: Western European Windows. The five bytes it leaves open are read as in
Latin-1, so that it never fails."""


def require_charset(name: str) -> str:
    """The name, if Python knows an encoding in which ASCII bytes are ASCII. Raises `ConfigError`."""
    try:
        if b"MSH|^~\\&".decode(name) == "MSH|^~\\&":
            return name
    except (LookupError, UnicodeDecodeError):
        pass
    raise ConfigError(f"expected a character set in which ASCII is ASCII, as `utf-8` or `cp1252`, found {name!r}")


def decode(value: bytes, declared: str, default: str) -> tuple[str, str, tuple[Note, ...]]:
    """The text of a message, the codec that read it, and what was noticed.

    Parameters
    ----------
    declared : str
        MSH-18, its first repetition that is not empty.
    default : str
        Codec of messages that declare nothing.

    Raises
    ------
    InputError
        `wrong_schema`: UTF-16 or UTF-32, in which no segment can be found.

    >>> decode("5 µg".encode("latin-1"), "8859/1", "utf-8")[:2]
    ('5 µg', 'iso8859-1')
    >>> text, codec, (note,) = decode("5 µg".encode("latin-1"), "UNICODE UTF-8", "utf-8")
    >>> text, codec, note.kind
    ('5 µg', 'cp1252', 'charset')
    """
    said = declared.strip().upper()
    if said in _WIDE:
        raise InputError("wrong_schema", f"expected a character set in bytes, found MSH-18 {said}; send UTF-8")
    wanted = _CODECS.get(said, "") if said else default
    known = bool(wanted) and _exists(wanted)
    for codec in dict.fromkeys([wanted, "utf-8"] if known else [default, "utf-8"]):
        text = _tried(value, codec)
        if text is not None:
            return text, codec, () if known and codec == wanted else (_note(said, codec),)
    return _last(value), LAST, (_note(said, LAST),)


def _exists(codec: str) -> bool:
    try:
        codecs.lookup(codec)
    except LookupError:
        return False
    return True


def _tried(value: bytes, codec: str) -> str | None:
    try:
        return value.decode(codec)
    except UnicodeDecodeError:
        return None


def _last(value: bytes) -> str:
    try:
        return value.decode(LAST)
    except UnicodeDecodeError:
        return "".join(_byte(byte) for byte in value)


def _byte(byte: int) -> str:
    return bytes((byte,)).decode("latin-1" if byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else LAST)


def _note(said: str, codec: str) -> Note:
    if not said:
        why = "MSH-18 is empty and the default does not fit"
    elif _exists(_CODECS.get(said, "")):
        why = f"MSH-18 says {said} and the bytes are something else"
    else:
        why = "MSH-18 names a character set that is not known"
    return Note("charset", f"{why}; read as {codec}")
