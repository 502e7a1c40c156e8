from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from ccit.errors import ArtifactDamaged
from ccit.records import Position, digest_of
from ccit.scoring.snapshot import Snapshot, SnapshotOrigin, read_snapshot, write_snapshot
from ccit.store.sealed import write_sealed
from ccit.vectors import quantise

ORIGIN = SnapshotOrigin("ccit.samples", "ccit", "e")


def snapshot(rows: int = 5, origin: SnapshotOrigin = ORIGIN) -> Snapshot:
    vectors = quantise(np.random.default_rng(rows).normal(size=(rows, 8))) if rows else np.zeros((0, 8), np.float32)
    positions = tuple(Position(n % 3, 10 * n) for n in range(rows))
    ids, digests = tuple(f"s\n{n}" for n in range(rows)), tuple(digest_of(n) for n in range(rows))
    return Snapshot(origin, {0: 41, 1: 12}, positions, ids, digests, {"sample": vectors}, {"counts": {"a": rows}})


@pytest.mark.parametrize("rows", [0, 1, 7])
def test_it_comes_back_whole(tmp_path: Path, rows: int) -> None:
    written = snapshot(rows)
    write_snapshot(tmp_path / "a", written)
    read = read_snapshot(tmp_path / "a", ORIGIN)
    assert (read.positions, read.digests, read.next_offsets) == (written.positions, written.digests, {0: 41, 1: 12})
    assert (read.sample_ids, read.policy) == (written.sample_ids, {"counts": {"a": rows}})
    assert np.array_equal(read.vectors["sample"], written.vectors["sample"])


def test_a_second_write_replaces_the_first(tmp_path: Path) -> None:
    write_snapshot(tmp_path / "a", snapshot(3))
    write_snapshot(tmp_path / "a", snapshot(7))
    assert len(read_snapshot(tmp_path / "a", ORIGIN).positions) == 7
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


@given(st.data())
def test_any_flipped_bit_or_cut_is_noticed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("snapshot") / "a"
    write_snapshot(path, snapshot())
    raw = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del raw[data.draw(st.integers(0, len(raw) - 1)) :]
    path.write_bytes(raw)
    with pytest.raises(ArtifactDamaged):
        read_snapshot(path, ORIGIN)


OTHERS = (
    *(
        SnapshotOrigin("other", "ccit", "e"),
        SnapshotOrigin("ccit.samples", "other", "e"),
        SnapshotOrigin("ccit.samples", "ccit", "other"),
    ),
    *(replace(ORIGIN, policy="other"), replace(ORIGIN, spaces=("other", "sample"))),
)


@pytest.mark.parametrize("other", OTHERS)
def test_another_origin_is_refused(tmp_path: Path, other: SnapshotOrigin) -> None:
    one = snapshot(origin=other)
    write_snapshot(tmp_path / "a", replace(one, vectors=dict.fromkeys(other.spaces, one.vectors["sample"])))
    with pytest.raises(ArtifactDamaged, match="other"):
        read_snapshot(tmp_path / "a", ORIGIN)


def test_none_yet_is_told_apart_from_damaged(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_snapshot(tmp_path / "a", ORIGIN)
    with pytest.raises(ArtifactDamaged):
        read_snapshot(tmp_path, ORIGIN)


def test_a_sealed_file_of_another_form_is_refused(tmp_path: Path) -> None:
    """Its digest is right, so only its form tells."""
    for content in (b"", b"\x00" * 64, save({"head": np.frombuffer(b"[" * 9, dtype=np.uint8)})):
        write_sealed(tmp_path / "a", content)
        with pytest.raises(ArtifactDamaged, match="not the form"):
            read_snapshot(tmp_path / "a", ORIGIN)


def test_parts_of_unequal_length_are_refused(tmp_path: Path) -> None:
    write_snapshot(tmp_path / "a", replace(snapshot(3), sample_ids=("s0",)))
    with pytest.raises(ArtifactDamaged, match="1 rows in each part"):
        read_snapshot(tmp_path / "a", ORIGIN)
