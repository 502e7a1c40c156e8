"""A snapshot of what a scorer knows: it spares reading the samples topic from its start.

One sealed safetensors file (`ccit/store/sealed.py`): the digest is checked before anything is parsed, and the format
runs no code. Its tensors:

    head               uint8    JSON: format, origin, offsets, sample ids, the states of policy and drift monitor
    positions          int64    (n, 2) partition and offset
    digests            uint8    (n, 32) SHA-256 of the content
    vectors.SPACE      float16  (n, d), one per space

A snapshot that is damaged, or of another topic, alias, embedder or policy, is thrown away, and the topic read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ccit.errors import ArtifactDamaged
from ccit.records import Position
from ccit.scoring.spaces import SAMPLE
from ccit.store.sealed import read_sealed, write_sealed
from ccit.vectors import Vectors

_FORMAT = "ccit-scorer-snapshot.v1"
_VECTORS = "vectors."  # before the name of a space


@dataclass(frozen=True, slots=True)
class SnapshotOrigin:
    """What a snapshot is of: nothing of another origin may be compared with it.

    Parameters
    ----------
    topic : str
        Full name of the samples topic, with its prefix.
    embedder : str
        Stamp of the embedder that made the vectors.
    policy : str
        Stamp of the policy whose state is in it; empty for one without a state.
    spaces : tuple[str, ...]
        In which samples are kept, in alphabetical order.
    drift : str
        Stamp of the drift monitor whose state is in it; empty where nothing is watched.
    """

    topic: str
    alias: str
    embedder: str
    policy: str = ""
    spaces: tuple[str, ...] = (SAMPLE,)
    drift: str = ""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The rows that novelty and duplicates are judged by, and the state of the policy that chose them.

    Parameters
    ----------
    next_offsets : Mapping[int, int]
        Partition of the samples topic -> offset from which on it has to be read again.
    positions, sample_ids, digests, vectors
        One per row; vectors (n, d) of each space, quantised. Rows beyond `next_offsets` may be there; taking them in is
        idempotent.
    policy : Mapping
        The policy's state after exactly these rows, as JSON.
    drift : Mapping
        The drift monitor's state after exactly what lies below `next_offsets`, as JSON.
    """

    origin: SnapshotOrigin
    next_offsets: Mapping[int, int]
    positions: tuple[Position, ...]
    sample_ids: tuple[str, ...]
    digests: tuple[str, ...]
    vectors: Mapping[str, Vectors]
    policy: Mapping[str, Any] = field(default_factory=dict)
    drift: Mapping[str, Any] = field(default_factory=dict)


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
    >>> origin = SnapshotOrigin("ccit.samples", "ccit", "e")
    >>> known = Snapshot(origin, {0: 8}, (Position(0, 7),), ("s1",), ("ab" * 32,), {"sample": rows})
    >>> write_snapshot(path, known)
    >>> read_snapshot(path, origin).positions
    (Position(partition=0, offset=7),)
    """
    head = {
        "format": _FORMAT,
        "origin": asdict(snapshot.origin),
        "next_offsets": {str(partition): offset for partition, offset in sorted(snapshot.next_offsets.items())},
        "sample_ids": snapshot.sample_ids,
        "policy": snapshot.policy,
        "drift": snapshot.drift,
    }
    rows = len(snapshot.positions)
    places = np.asarray([(p.partition, p.offset) for p in snapshot.positions], dtype=np.int64)
    digests = np.frombuffer(b"".join(bytes.fromhex(digest) for digest in snapshot.digests), dtype=np.uint8)
    tensors: dict[str, npt.NDArray[Any]] = {
        "head": np.frombuffer(json.dumps(head).encode(), dtype=np.uint8),
        "positions": places.reshape(rows, 2),
        "digests": digests.reshape(rows, -1 if rows else 32),
    }
    for space, vectors in snapshot.vectors.items():
        tensors[_VECTORS + space] = vectors.astype(np.float16)
    write_sealed(path, save(tensors))


def read_snapshot(path: Path, origin: SnapshotOrigin) -> Snapshot:
    """Read a snapshot back, its digest checked first.

    Raises
    ------
    ArtifactDamaged
        The digest differs, the file is cut short, or it is of another origin: read the topic instead.
    FileNotFoundError
        There is none yet.
    """
    sealed = read_sealed(path)
    if sealed is None:
        if not path.exists():
            raise FileNotFoundError(path)
        raise ArtifactDamaged(f"{path} cannot be read, or does not have the SHA-256 that it begins with")
    try:
        return _parsed(path, load(sealed), origin)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, SafetensorError) as e:
        raise ArtifactDamaged(f"{path} has its SHA-256, but not the form of a {_FORMAT}: {e!r}") from e


def _parsed(path: Path, tensors: Mapping[str, Any], origin: SnapshotOrigin) -> Snapshot:
    head = json.loads(tensors["head"].tobytes())
    expected = {"format": _FORMAT, "origin": {**asdict(origin), "spaces": list(origin.spaces)}}
    found = {key: head.get(key) for key in expected}
    if found != expected:
        raise ArtifactDamaged(f"{path} should be of {expected}, but is of {found}")
    positions, digests, sample_ids = tensors["positions"], tensors["digests"], tuple(head["sample_ids"])
    vectors = {space: tensors[_VECTORS + space].astype(np.float32) for space in origin.spaces}
    if {len(part) for part in (positions, digests, *vectors.values())} != {len(sample_ids)}:
        raise ArtifactDamaged(f"{path} should have {len(sample_ids)} rows in each part, as it names samples")
    return Snapshot(
        origin=origin,
        next_offsets={int(partition): offset for partition, offset in head["next_offsets"].items()},
        positions=tuple(Position(int(partition), int(offset)) for partition, offset in positions),
        sample_ids=sample_ids,
        digests=tuple(digest.tobytes().hex() for digest in digests),
        vectors=vectors,
        policy=head["policy"],
        drift=head["drift"],
    )
