"""Nouns <-> versioned events on a topic: past-tense facts in CloudEvents 1.0, binary mode.

The attributes travel as `ce_*` headers (CloudEvents Kafka protocol binding 1.0.2, section 3.2), the value is JSON.
Each event has one published schema, `schemas/<kebab-name>.v1.json`, which is never edited: a change is a new `.v2`.
The classes below are its only reader and writer; `python -m ccit.events` publishes the schemas that are missing in
`schemas/`, and a test holds the published files against the classes.

Unknown fields are ignored on reading, so that an older process can follow a newer writer.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import orjson
from pydantic import TypeAdapter, ValidationError
from pydantic_core import SchemaValidator

from ccit.bounds import ALWAYS_AFFORDABLE_BYTES, require_affordable, stopping_at_first_fault
from ccit.errors import InputError
from ccit.records import (
    Announcement,
    Candidate,
    Command,
    Concordance,
    Decision,
    Drift,
    Position,
    Record,
    ReplicaReport,
    Round,
    Verdict,
)

Headers: TypeAlias = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class RecordReceived:
    """A record arrived and could be read."""

    record: Record


@dataclass(frozen=True, slots=True)
class SampleAdmitted:
    """A sample was let into the pool.

    `embedding` is base64 of the float16 vector that novelty was judged by, so that a scorer rebuilds its index without
    a model; vectors of different `embedder` stamps are never compared. `spaces` are those of parts of the sample, by
    name (`question`), where novelty is judged by them.
    """

    decision: Decision
    content_digest: str
    embedder: str
    embedding: str
    spaces: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SampleRejected:
    """A sample was refused; its content is kept, later work learns from it."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class SampleReleased:
    """A person let a sample out of quarantine: a scorer lets it in unless it is a copy.

    `decision` is the refusal as it lies on the topic `rejects`, at `refused_at`.
    """

    decision: Decision
    refused_at: Position
    by: str


@dataclass(frozen=True, slots=True)
class RoundPlanned:
    """A round's manifest was frozen; a restarted trainer takes it up again."""

    planned: Round
    round_id: str


@dataclass(frozen=True, slots=True)
class CandidateTrained:
    """A round produced its adapters."""

    candidate: Candidate


@dataclass(frozen=True, slots=True)
class CandidateJudged:
    """A candidate was promoted or held, or could not be trained: the one outcome of its round.

    `evaluation_tokens` and `evaluation_flops` are what the judging cost, incumbent and candidate together.
    """

    round_id: str
    number: int | None  # the version it became, None when it was held
    verdict: Verdict | None  # None when training failed for good: `failure` says why
    failure: str
    evaluation_tokens: int
    evaluation_flops: float


@dataclass(frozen=True, slots=True)
class VersionPromoted:
    """A candidate became the active version."""

    announcement: Announcement


@dataclass(frozen=True, slots=True)
class VersionRolledBack:
    """An older version became active again."""

    announcement: Announcement


@dataclass(frozen=True, slots=True)
class ReplicaReported:
    """A follower of the version topic says what it loaded, made active or refused."""

    report: ReplicaReport


@dataclass(frozen=True, slots=True)
class ProxyAudited:
    """A scorer says how far its proxy ranks samples as the deployed model does, version by version."""

    replica_id: str
    at: float
    found: tuple[Concordance, ...]


@dataclass(frozen=True, slots=True)
class DriftFound:
    """A scorer says which changes it has found in the samples topic; all that have read alike say alike."""

    replica_id: str
    at: float
    found: tuple[Drift, ...]


@dataclass(frozen=True, slots=True)
class CommandIssued:
    """An operator asked the trainer for something."""

    command: Command


Event: TypeAlias = (
    RecordReceived
    | SampleAdmitted
    | SampleRejected
    | SampleReleased
    | RoundPlanned
    | CandidateTrained
    | CandidateJudged
    | VersionPromoted
    | VersionRolledBack
    | ReplicaReported
    | ProxyAudited
    | DriftFound
    | CommandIssued
)

NAMES: Mapping[str, type[Event]] = {
    "record-received.v1": RecordReceived,
    "sample-admitted.v1": SampleAdmitted,
    "sample-rejected.v1": SampleRejected,
    "sample-released.v1": SampleReleased,
    "round-planned.v1": RoundPlanned,
    "candidate-trained.v1": CandidateTrained,
    "candidate-judged.v1": CandidateJudged,
    "version-promoted.v1": VersionPromoted,
    "version-rolled-back.v1": VersionRolledBack,
    "replica-reported.v1": ReplicaReported,
    "proxy-audited.v1": ProxyAudited,
    "drift-found.v1": DriftFound,
    "command-issued.v1": CommandIssued,
}
_NAME_OF = {cls: name for name, cls in NAMES.items()}
_TYPE_PREFIX = "ccit."
_ALWAYS_AFFORDABLE_BYTES = 32_000_000  # of an event: a round may name tens of thousands of samples that it leaves out


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(NAMES[name])


@cache
def _validator(name: str) -> SchemaValidator:
    return stopping_at_first_fault(_adapter(name))


def encode(event: Event, *, at: float, source: str, traceparent: str = "") -> tuple[bytes, Headers]:
    """JSON value and CloudEvents headers of an event.

    Parameters
    ----------
    at : float
        When it happened, seconds since 1970.
    source : str
        The process that says so, e.g. `ccit/score`.

    Raises
    ------
    ValueError
        A number is not finite (orjson would write null in its place, and the reader find none), or a text has a lone
        surrogate. Whoever makes the event must not let either in.

    >>> from ccit.records import Record
    >>> value, headers = encode(RecordReceived(Record("r1", "s1", "ward", 0.0, {})), at=0.0, source="ccit/ingest")
    >>> decode(value, headers).record.record_id
    'r1'
    """
    name = _NAME_OF[type(event)]
    fields = _adapter(name).dump_python(event, mode="json")
    value = json.dumps(fields, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
    headers = [
        ("ce_specversion", "1.0"),
        ("ce_id", _identity([name, source, at], value)),
        ("ce_source", source),
        ("ce_type", _TYPE_PREFIX + name),
        ("ce_time", datetime.fromtimestamp(at, UTC).isoformat()),
        ("ce_dataschema", f"schemas/{name}.json"),
        ("content-type", "application/json"),
    ]
    if traceparent:
        headers.append(("traceparent", traceparent))
    return value, tuple((key, text.encode()) for key, text in headers)


def _identity(who: list[object], value: bytes) -> str:
    """Follows from the content; made without a copy of the value, which may be megabytes."""
    digest = hashlib.sha256(json.dumps(who).encode())
    digest.update(value)
    return digest.hexdigest()[:32]


def event_name(headers: Iterable[tuple[str, bytes | str | None]]) -> str:
    """The event's name (`sample-admitted.v1`) from its `ce_type` header; empty when it has none."""
    for key, raw in headers:
        if key == "ce_type" and raw is not None:
            text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
            return text.removeprefix(_TYPE_PREFIX)
    return ""


def decode(value: bytes | None, headers: Iterable[tuple[str, bytes | str | None]]) -> Event:
    """Read an event back.

    Raises
    ------
    InputError
        `empty`, `too_large`, `not_json` or `wrong_schema`, with one sentence that names the field.
    """
    name = event_name(headers)
    if name not in NAMES:
        raise InputError("wrong_schema", f"expected a ce_type header that names a ccit event, found {name[:80]!r}")
    try:
        return _validator(name).validate_python(parse_json(value, _ALWAYS_AFFORDABLE_BYTES))  # type: ignore[no-any-return]  # one of Event
    except ValidationError as error:
        raise InputError("wrong_schema", f"{name}: {first_fault(error)}") from error


def parse_json(value: bytes | None, always: int = ALWAYS_AFFORDABLE_BYTES) -> Any:
    """Strict JSON: no NaN, no lone surrogates, no deep recursion (orjson refuses them), and no more values than memory
    is good for. Raises `InputError`.
    """
    if not value:
        raise InputError("empty", "expected a JSON value, found no bytes at all")
    require_affordable(value, always)
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise InputError(
            "not_json", f"expected strict JSON in UTF-8, found {len(value)} bytes that are not: {error}"
        ) from error


def first_fault(error: ValidationError) -> str:
    """The first thing wrong, as `field: what was expected`, without the value (it may be a patient's)."""
    fault = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in fault["loc"]) or "value"
    return f"{where}: {fault['msg']}"


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) that an event's class implies."""
    schema = _adapter(name).json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"{name}.json", **schema}


def publish_schemas(folder: Path) -> list[Path]:
    """Write the schema files that are missing below `folder` and return them; a published one is never touched."""
    missing = [folder / f"{name}.json" for name in NAMES if not (folder / f"{name}.json").exists()]
    for path in missing:
        path.write_bytes(orjson.dumps(schema_of(path.stem), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
    return missing


if __name__ == "__main__":
    for new in publish_schemas(Path("schemas")):
        sys.stdout.write(f"published {new}\n")
