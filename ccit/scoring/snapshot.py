"""A snapshot of what novelty and duplicates are judged by: it spares a scorer reading the samples topic from its start.

One file: the SHA-256 of all that follows (hex, one line), one line of JSON (the head), one line of JSON (the sample
ids), then plain little-endian numbers: positions (int64, 2 per row), content digests (32 bytes per row), vectors
(float16, d per row). The digest is checked before anything else is looked at; a snapshot that is damaged, or of another
topic, alias or embedder, is thrown away, and the topic read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ccit.errors import ArtifactDamaged
from ccit.records import Position
from ccit.store.atomic import write_atomically
from ccit.vectors import Vectors

_FORMAT = "ccit-novelty-snapshot.v1"
_DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class Origin:
    """What a snapshot is of: nothing of another origin may be compared with it.

    Parameters
    ----------
    topic : str
        Full name of the samples topic, with its prefix.
    embedder : str
        Stamp of the embedder that made the vectors.
    """

    topic: str
    alias: str
    embedder: str


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The rows of a novelty memory.

    Parameters
    ----------
    next_offsets : Mapping[int, int]
        Partition of the samples topic -> offset from which on it has to be read again.
    positions, sample_ids, digests, vectors
        One per row; vectors (n, d), quantised. Rows beyond `next_offsets` may be there; learning is idempotent.
    """

    origin: Origin
    next_offsets: Mapping[int, int]
    positions: tuple[Position, ...]
    sample_ids: tuple[str, ...]
    digests: tuple[str, ...]
    vectors: Vectors


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Write a snapshot durably and atomically: a reader sees the old file or the new one, whole.

    Raises
    ------
    StorageFailed
        The disk is full or cannot be written; an older snapshot is left as it was (or, where only the last step
        failed, replaced by the new one, whole, but perhaps not for good).

    Example
    -------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "novelty.snapshot"
    >>> rows = np.asarray([[1.0, 0.0]], dtype=np.float32)
    >>> origin = Origin("ccit.samples", "ccit", "e")
    >>> write_snapshot(path, Snapshot(origin, {0: 8}, (Position(0, 7),), ("s1",), ("ab" * 32,), rows))
    >>> read_snapshot(path, origin).positions
    (Position(partition=0, offset=7),)
    """
    head = {
        "format": _FORMAT,
        "origin": asdict(snapshot.origin),
        "next_offsets": {str(partition): offset for partition, offset in sorted(snapshot.next_offsets.items())},
        "rows": len(snapshot.positions),
        "dimension": int(snapshot.vectors.shape[1]),
    }
    body = b"".join(
        (
            json.dumps(head).encode() + b"\n",
            json.dumps(snapshot.sample_ids).encode() + b"\n",
            np.asarray([(p.partition, p.offset) for p in snapshot.positions], dtype="<i8").tobytes(),
            b"".join(bytes.fromhex(digest) for digest in snapshot.digests),
            snapshot.vectors.astype("<f2").tobytes(),
        )
    )
    write_atomically(path, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)


def read_snapshot(path: Path, origin: Origin) -> Snapshot:
    """Read a snapshot back, its digest checked first.

    Raises
    ------
    ArtifactDamaged
        The digest differs, the file is cut short, or it is of another origin: read the topic instead.
    FileNotFoundError
        There is none yet.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ArtifactDamaged(f"{path} cannot be read: {error.strerror}") from error
    announced, _, body = raw.partition(b"\n")
    if hashlib.sha256(body).hexdigest().encode() != announced:
        raise ArtifactDamaged(f"{path} does not have the SHA-256 on its first line")
    try:
        return _parsed(path, body, origin)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:  # not ours
        raise ArtifactDamaged(f"{path} has its SHA-256, but not the form of a {_FORMAT}: {error!r}") from error


def _parsed(path: Path, body: bytes, origin: Origin) -> Snapshot:
    line, _, rest = body.partition(b"\n")
    head = json.loads(line)
    expected = {"format": _FORMAT, "origin": asdict(origin)}
    found = {key: head.get(key) for key in expected}
    if found != expected:
        raise ArtifactDamaged(f"{path} should be of {expected}, but is of {found}")
    ids, _, numbers = rest.partition(b"\n")
    rows, dimension, sample_ids = int(head["rows"]), int(head["dimension"]), json.loads(ids)
    if len(sample_ids) != rows:
        raise ArtifactDamaged(f"{path} should name {rows} samples, but names {len(sample_ids)}")
    at_digests = rows * 2 * 8
    at_vectors = at_digests + rows * _DIGEST_BYTES
    places = np.frombuffer(numbers[:at_digests], dtype="<i8").reshape(rows, 2)
    digests = numbers[at_digests:at_vectors]
    return Snapshot(
        origin=origin,
        next_offsets={int(partition): offset for partition, offset in head["next_offsets"].items()},
        positions=tuple(Position(int(partition), int(offset)) for partition, offset in places),
        sample_ids=tuple(sample_ids),
        digests=tuple(digests[i * _DIGEST_BYTES : (i + 1) * _DIGEST_BYTES].hex() for i in range(rows)),
        vectors=np.frombuffer(numbers[at_vectors:], dtype="<f2").reshape(rows, dimension).astype(np.float32),
    )
