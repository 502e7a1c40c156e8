"""Text out of an attachment: plain, HTML and XHTML, RTF, PDF, the sections of a CDA document.

What it is, its first bytes say; what the sender calls it counts only where they say nothing. Pictures, Office documents
and scans without text are refused by name. Nothing that an attachment points to is fetched, nothing in it is run.
"""

from __future__ import annotations

import base64
import binascii
import logging
import re
import struct
import zlib
from collections.abc import Callable, Mapping
from io import BytesIO

from ccit.errors import InputError
from ccit.ingest.hl7.charset import decode
from ccit.ingest.strict import BYTE_ORDER_MARK

MAX_PAGES = 500
MAX_LINKS = 200
MAX_FONT_TABLE = 32_000
"""Of RTF: striprtf looks for the end of each link in all that follows, and of each font in all of its table."""
MAX_DEPTH = 2000
"""Of HTML's elements inside each other, as far as the source shows: the parser looks up the whole line for each."""
MAX_CHARACTERS = 5_000_000  # of a PDF's text: a small file can repeat one page for ever
_BREAK = "\x1e"  # where a block begins or ends, until blanks are settled
_BLOCK = re.compile(
    r"(?i)(?:<table|</?(?:br|p|div|li|dt|dd|h[1-6]|ul|ol|section|article|header|footer|blockquote|hr|paragraph|item))\b"
)
_CELL = re.compile(r"(?i)</t[dh]\b")
_ROW = re.compile(r"(?i)<tr\b[^<>]*+>\s*+<t[dh]\b[^<>]*+>|</table\s*+>")  # text between them is moved before the table
_TAG = re.compile(
    r"(?i)<(/?)(?!(?:p|li|td|th|tr|dt|dd|br|hr|img|input|meta|link|col|wbr|area|base|source|option)\b)[a-z]"
)  # whose end may not be left out
_PRE = re.compile(r"(?i)(</?pre\b)")

_OTHER: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"BM", "a bitmap"),
    (b"PK\x03\x04", "a zip archive or an Office document"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"RIFF", "a sound or a film"),
    (b"\x1f\x8b", "a gzip archive"),
)
_FORMS: Mapping[str, str] = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "html": "html",
    "htm": "html",
    "xhtml": "html",
    "text/rtf": "rtf",
    "application/rtf": "rtf",
    "rtf": "rtf",
    "application/pdf": "pdf",
    "pdf": "pdf",
}


def text_in(value: bytes, said: str = "", charset: str = "") -> tuple[str, str]:
    """The text of an attachment with `\\n` at line ends, and its form: `plain`, `html`, `rtf`, `pdf`, `cda`.

    Parameters
    ----------
    said : str
        Content type or name of the format, as the sender gives it.
    charset : str
        Of plain text, HTML and XML, where the sender gives it.

    Raises
    ------
    InputError
        `empty`: no text in it; `unsupported_type`: no form that is read here; `wrong_schema`: damaged.

    >>> text_in(b"<p>Fever, <b>cough</b>.</p><p>Rest &amp; water.</p>", "text/html")
    ('Fever, cough.\\nRest & water.', 'html')
    """
    form = _form(value, said.partition(";")[0].strip().lower())
    text = _READERS[form](value, charset or _parameter(said)).replace("\0", "").strip()
    if not text:
        raise InputError("empty", f"expected text in the attachment ({form}), found none; perhaps it is a scan")
    return text, form


def decoded(text: str) -> bytes:
    """Base64 with line breaks and blanks, padded or not, in either alphabet. Raises `InputError`.

    >>> decoded("JVBE\\nRi0x"), decoded("aGk")
    (b'%PDF-1', b'hi')
    """
    bare = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError("wrong_schema", "expected base64 in the attachment, found something else") from error


def _form(value: bytes, said: str) -> str:
    start = value.lstrip()[:512]
    for magic, what in _OTHER:
        if value.startswith(magic) and not (magic == b"BM" and _is_text(value[:64])):
            raise InputError("unsupported_type", f"expected text, HTML, RTF or PDF in the attachment, found {what}")
    if b"%PDF-" in value[:1024]:
        return "pdf"
    if start.startswith(b"{\\rtf"):
        return "rtf"
    if re.match(rb"(?is)(<\?xml.*?\?>\s*)?<(!doctype html|(html|body|div|p|span|pre|table|ul|ol|h[1-6])\b)", start):
        return "html"
    if b"ClinicalDocument" in start:
        return "cda"
    if not _is_text(value[:4096]):
        raise InputError("unsupported_type", "expected text, HTML, RTF or PDF in the attachment, found other bytes")
    found = _FORMS.get(said, "plain")
    return found if found == "html" else "plain"


def _is_text(value: bytes) -> bool:
    """No control characters, and not mainly bytes above ASCII unless they are UTF-8 (a character may be cut)."""
    if any(byte < 32 and byte not in (9, 10, 11, 12, 13, 27, 28) for byte in value):
        return False
    try:
        value[: max(0, len(value) - 3)].decode("utf-8")
    except UnicodeDecodeError:
        return sum(byte > 127 for byte in value) * 3 <= len(value)
    return True


def _parameter(said: str) -> str:
    found = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", said, re.IGNORECASE)
    return found[1] if found else ""


def _plain(value: bytes, charset: str) -> str:
    text, _, _ = decode(value.removeprefix(BYTE_ORDER_MARK), charset, "utf-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _html(value: bytes, charset: str) -> str:
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(_with_breaks(_plain(value, charset)))
    for node in tree.css("script,style,head"):
        node.decompose()
    return _settled(tree.body.text() if tree.body is not None else "")


def _cda(value: bytes, charset: str) -> str:
    """The narrative of its sections: the header names people, and repeats what the message around it says of them."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(_with_breaks(_plain(value, charset)))
    found = tree.css("section > title, section > text")
    return _settled(_BREAK.join(node.text() or "" for node in found))


def _with_breaks(source: str) -> str:
    """Marks before tags of blocks, in the source: moving nodes in the tree takes time with the square of depth."""
    _require_shallow(source)
    parts = _PRE.split(source)
    for number in range(2, len(parts), 4):  # text, tag, text, tag: within a pair of them, lines are meant
        parts[number] = parts[number].replace("\n", _BREAK)
    marked = _BLOCK.sub(_BREAK + r"\g<0>", _ROW.sub(r"\g<0>" + _BREAK, "".join(parts)))
    return _CELL.sub(r" \g<0>", marked)


def _require_shallow(source: str) -> None:
    depth = 0
    for found in _TAG.finditer(source):
        depth = depth + 1 if not found[1] else max(0, depth - 1)
        if depth > MAX_DEPTH:
            raise InputError("too_large", f"expected HTML nested at most {MAX_DEPTH} deep, found more")


def _settled(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.split(_BREAK))
    return "\n".join(line for line in lines if line)


def _rtf(value: bytes, _charset: str) -> str:
    from striprtf.striprtf import font_table_group, rtf_to_text

    source = value.decode("latin-1")
    if len(font_table_group(source)) > MAX_FONT_TABLE:  # type: ignore[no-untyped-call]  # it ships no types
        raise InputError("too_large", f"expected at most {MAX_FONT_TABLE} characters of fonts in RTF, found more")
    if source.count("\\fldinst") > MAX_LINKS:
        source = source.replace("\\fldinst", "\\fldinsx")  # an unknown word in an ignorable group, so not text either
    try:
        text: str = rtf_to_text(source, errors="replace")  # type: ignore[no-untyped-call]  # it ships no types
    except (ValueError, TypeError, LookupError, ArithmeticError) as error:
        raise InputError("wrong_schema", "expected RTF in the attachment, found RTF that cannot be read") from error
    paired = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")  # RTF writes halves of characters
    return paired.replace("\r", "\n")


def _pdf(value: bytes, _charset: str) -> str:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it warns with pieces of the file
    faults: tuple[type[BaseException], ...] = (*_PDF_FAULTS, PyPdfError)
    pages: list[str] = []
    try:
        reader = PdfReader(BytesIO(value))
        for number in range(min(len(reader.pages), MAX_PAGES)):
            pages.append(reader.pages[number].extract_text())
            if sum(map(len, pages)) > MAX_CHARACTERS:
                break
    except faults as error:
        what = f"{type(error).__name__}"
        raise InputError("wrong_schema", f"expected a PDF in the attachment, found a damaged one ({what})") from error
    text = "\n".join(page.strip() for page in pages)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")[:MAX_CHARACTERS]


# What pypdf lets through from inside a damaged file: it reads on as long as it can.
_PDF_FAULTS: tuple[type[BaseException], ...] = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError, AssertionError, EOFError),
    *(OSError, struct.error, zlib.error),
)
_READERS: Mapping[str, Callable[[bytes, str], str]] = {
    "plain": _plain,
    "html": _html,
    "cda": _cda,
    "rtf": _rtf,
    "pdf": _pdf,
}
