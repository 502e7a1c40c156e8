"""Instruction rows: a JSON object `{id, source, subject, lang, instruction, input, output, meta}` -> Record -> Sample.

The question and its answer may be written in other forms as well (`ccit/ingest/forms/table.py`).

A row that cannot be read raises `InputError` with a reason from the closed list and one sentence that names the field
and never quotes the text (it may be a patient's).

`null` for what may be left out is the same as leaving it out.

Multi-turn rows carry their earlier turns in `history` (or `meta.history`) as [user, assistant] pairs, and a system text
in `system`. Such a sample is scored and trained on its last answer, given all that went before.

`subject` is a pseudonym of whom the row is about: what one subject's rows say reaches the scorer in order.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StrictInt,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from ccit.errors import InputError
from ccit.events import first_fault
from ccit.ingest.forms.table import exchange_of
from ccit.ingest.strict import parse_strict
from ccit.records import Record, Sample, digest_of

_Name = Annotated[str, StringConstraints(max_length=256)]  # of a record or a source: part of keys and of every event

_NullIsNone = BeforeValidator(lambda text: "" if text is None else text)  # exporters write null for an empty column
_EXACT = 2**53  # from here on, a float no longer names one whole number


def _as_number(own_id: Any) -> Any:
    """7 for 7.0: a column of numbers with a gap in it becomes one of floats in pandas."""
    exact = isinstance(own_id, float) and own_id.is_integer() and abs(own_id) < _EXACT
    return int(own_id) if exact else own_id


class _Meta(BaseModel):
    model_config = ConfigDict(extra="allow")

    group: str | None = ""


class _Row(BaseModel):
    """What a row says besides its question and answer."""

    model_config = ConfigDict(extra="ignore", strict=False)

    id: Annotated[_Name | StrictInt | None, BeforeValidator(_as_number)] = None  # strict: `true` is not record 1
    source: Annotated[_Name, _NullIsNone] = ""
    subject: Annotated[_Name | StrictInt | None, BeforeValidator(_as_number)] = None
    lang: Annotated[str, _NullIsNone] = ""
    meta: Annotated[_Meta, BeforeValidator(lambda meta: {} if meta is None else meta)] = _Meta()


_ROW = TypeAdapter(_Row)


def parse_row(value: bytes | None, max_bytes: int) -> dict[str, Any]:
    """Bytes -> a JSON object that is a valid instruction row.

    Parameters
    ----------
    max_bytes : int
        The size is checked before anything is parsed.

    Raises
    ------
    InputError
        `too_large`, `empty`, `not_json` or `wrong_schema`.

    >>> parse_row(b'{"instruction": "Why?", "output": "Because."}', 1000)["output"]
    'Because.'
    """
    if value is not None and len(value) > max_bytes:
        raise InputError("too_large", f"expected at most {max_bytes} bytes, found {len(value)}; raise ingest.max_bytes")
    row = parse_strict(value)
    if not isinstance(row, dict):
        raise InputError("wrong_schema", f"expected a JSON object, found {type(row).__name__}")
    return require_row(row)


def require_row(row: dict[str, Any]) -> dict[str, Any]:
    """The same object, where it is a valid instruction row. Raises `InputError`."""
    _validated(row)
    exchange_of(row)
    return row


def record_from_row(row: dict[str, Any], received_at: float) -> Record:
    """Name the record by its source and id, or by its content where it has no id.

    No two pairs of source and id have one name, see `prefix_of`.
    """
    valid = _validated(row)
    source = valid.source or "unnamed"
    own_id = digest_of(row)[:32] if valid.id in (None, "") else str(valid.id)
    record_id = f"{prefix_of(source)}{own_id}"
    subject = record_id if valid.subject in (None, "") else str(valid.subject)
    return Record(record_id, subject=subject, source=source, received_at=received_at, body=row)


def subject_in(line: bytes) -> str | None:
    """The subject that a row names; None where it names none, or is no row: what is wrong with it, ingest will say.

    >>> subject_in(b'{"subject": "p-17", "instruction": "Why?", "output": "Because."}'), subject_in(b"garbage")
    ('p-17', None)
    """
    try:
        row = parse_strict(line)
        subject = _validated(row).subject if isinstance(row, dict) else None
    except InputError:
        return None
    return None if subject in (None, "") else str(subject)


def prefix_of(source: str) -> str:
    """What the names of a source's records begin with.

    A source that holds a colon is percent-encoded and stands behind one more: of `a:b:c` it would not be certain
    where the source ends, and no other source begins like that.

    >>> prefix_of("ward"), prefix_of("ward:7")
    ('ward:', ':ward%3A7:')
    """
    if ":" not in source:
        return f"{source}:"
    return ":" + source.replace("%", "%25").replace(":", "%3A") + ":"


def sample_from_record(record: Record) -> Sample:
    """The instruction/response pair in a record; instruction and input are joined by a line break.

    Raises
    ------
    InputError
        `wrong_schema`: a record written straight to the topic need not have passed `parse_row`.
    """
    row, said = _validated(dict(record.body)), exchange_of(record.body)
    turns = [[turn.user, turn.assistant] for turn in said.history]
    content = [record.record_id, turns, said.instruction, said.response, *([said.system] if said.system else [])]
    return Sample(
        sample_id=digest_of(content)[:32],
        record_id=record.record_id,
        source=record.source,
        lang=row.lang,
        instruction=said.instruction,
        response=said.response,
        history=said.history,
        group=row.meta.group or "",
        system=said.system,
    )


def _validated(row: dict[str, Any]) -> _Row:
    try:
        return _ROW.validate_python(row)
    except ValidationError as error:
        raise InputError("wrong_schema", f"instruction row: {first_fault(error)}") from error
