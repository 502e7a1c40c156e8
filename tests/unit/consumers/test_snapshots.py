"""Which snapshot a scorer starts from, and when it starts from none."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ccit.records import Position, digest_of
from ccit.scoring.snapshot import Snapshot, SnapshotOrigin
from ccit.store.atomic import STALE_SECONDS
from ccit.vectors import quantise
from consumers.broker.embedded import EmbeddedKafka
from consumers.kafka.clients import KafkaSettings, producer
from consumers.kafka.topic_creation import create_topics
from consumers.kafka.topics import Topics
from consumers.snapshots import SnapshotFiles, Tail, fits, resume_at, tails

ORIGIN = SnapshotOrigin(Topics().samples.name, "ccit", "e")


def snapshot(rows: int, next_offsets: dict[int, int] | None = None, origin: SnapshotOrigin = ORIGIN) -> Snapshot:
    """Row n lies in partition n % 2 at offset n // 2."""
    return Snapshot(
        origin=origin,
        next_offsets={0: (rows + 1) // 2, 1: rows // 2} if next_offsets is None else next_offsets,
        positions=tuple(Position(n % 2, n // 2) for n in range(rows)),
        sample_ids=tuple(f"s{n}" for n in range(rows)),
        digests=tuple(digest_of(n) for n in range(rows)),
        vectors={"sample": quantise(np.random.default_rng(rows).normal(size=(rows, 8)))},
    )


def sizes(files: SnapshotFiles) -> list[int]:
    return [len(found.positions) for found in files.usable()]


def dated(root: Path, seconds: int) -> None:
    """Set the time of the file written last, so that no test depends on a file system's clock."""
    newest = max((root / "snapshots").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    os.utime(newest, (seconds, seconds))


def test_each_writes_its_own_and_reads_everyones_newest_first(tmp_path: Path) -> None:
    for second, (instance, rows) in enumerate([("0", 4), ("host/1", 9), ("2", 6)], start=1):
        SnapshotFiles(tmp_path, ORIGIN, instance).write(snapshot(rows))
        dated(tmp_path, second)
    assert sizes(SnapshotFiles(tmp_path, ORIGIN, "new")) == [6, 9, 4]
    SnapshotFiles(tmp_path, ORIGIN, "0").write(snapshot(8))
    assert sizes(SnapshotFiles(tmp_path, ORIGIN, "new")) == [8, 6, 9]


def test_nothing_yet(tmp_path: Path) -> None:
    assert sizes(SnapshotFiles(tmp_path, ORIGIN, "0")) == []


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "stranger"])
def test_a_bad_one_is_named_in_one_line_and_the_next_is_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    files = SnapshotFiles(tmp_path, ORIGIN, "0")
    files.write(snapshot(5))
    dated(tmp_path, 1)
    SnapshotFiles(tmp_path, ORIGIN, "1").write(snapshot(7))
    path = next(path for path in (tmp_path / "snapshots").iterdir() if "-1." in path.name)
    raw = bytearray(path.read_bytes())
    raw[-3] ^= 4
    content = {"flip": bytes(raw), "cut": bytes(raw[:-40]), "empty": b"", "stranger": b"\x80\x04K\x01."}[damage]
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING, "ccit.score"):
        assert sizes(files) == [5]
    assert len(caplog.records) == 1
    assert path.name in caplog.text


OTHERS = (
    *(replace(ORIGIN, topic="other"), replace(ORIGIN, alias="other"), replace(ORIGIN, embedder="other")),
    *(replace(ORIGIN, policy="other"), replace(ORIGIN, spaces=("question", "sample"))),
)


@pytest.mark.parametrize("other", OTHERS, ids=["topic", "alias", "embedder", "policy", "spaces"])
def test_another_origin_is_not_used(tmp_path: Path, other: SnapshotOrigin) -> None:
    one = snapshot(5, origin=other)
    vectors = dict.fromkeys(other.spaces, one.vectors["sample"])
    SnapshotFiles(tmp_path, other, "0").write(replace(one, vectors=vectors))
    assert sizes(SnapshotFiles(tmp_path, ORIGIN, "0")) == []


def test_a_full_disk_costs_the_snapshot_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("WARNING", logger="ccit")  # `ccit demo`, run in this process by another test, asks for less
    (tmp_path / "snapshots").write_text("a file where the folder should be")
    files = SnapshotFiles(tmp_path, ORIGIN, "0")
    assert not files.write(snapshot(5))
    assert "no snapshot" in caplog.text
    (tmp_path / "snapshots").unlink()
    assert files.write(snapshot(5))


def test_processes_that_come_and_go_leave_few_files(tmp_path: Path) -> None:
    for number in range(12):
        SnapshotFiles(tmp_path, ORIGIN, f"host-{number}").write(snapshot(number + 1))
    assert len(sizes(SnapshotFiles(tmp_path, ORIGIN, "x"))) == 8


def test_what_cannot_be_swept_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user's file on a shared store: it stays, and the scorer goes on."""
    files = SnapshotFiles(tmp_path, ORIGIN, "0")
    for number in range(8):
        SnapshotFiles(tmp_path, ORIGIN, f"theirs-{number}").write(snapshot(number + 1))
        dated(tmp_path, number + 1)

    unlink = Path.unlink

    def refused(self: Path, missing_ok: bool = False) -> None:
        if self.suffix == ".novelty":
            raise PermissionError(13, "Permission denied", str(self))
        unlink(self, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    assert files.write(snapshot(9))
    monkeypatch.undo()
    assert len(list((tmp_path / "snapshots").iterdir())) == 9


def test_what_cannot_be_looked_at_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = SnapshotFiles(tmp_path, ORIGIN, "0")
    files.write(snapshot(5))
    stat = Path.stat

    def stale(self: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if self.suffix:
            raise OSError(116, "Stale file handle", str(self))
        return stat(self, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", stale)
    assert sizes(files) == []


def test_what_killed_writers_left_behind_is_swept(tmp_path: Path) -> None:
    folder = tmp_path / "snapshots"
    folder.mkdir()
    stale, at_work = folder / ".ccit-1.novelty.aa.tmp", folder / ".ccit-2.novelty.bb.tmp"
    for path in (stale, at_work):
        path.write_bytes(b"half")
    long_ago = time.time() - 2 * STALE_SECONDS
    os.utime(stale, (long_ago, long_ago))
    SnapshotFiles(tmp_path, ORIGIN, "0").write(snapshot(5))
    assert (stale.exists(), at_work.exists()) == (False, True)


def test_it_is_resumed_after_what_was_read_not_after_what_was_written() -> None:
    """Our own samples are known as soon as they are committed; another's in between may not have been read yet."""
    own_ahead = snapshot(10, {0: 3, 1: 5})
    assert tails(own_ahead) == {0: Tail(2, "s4"), 1: Tail(4, "s9")}
    assert resume_at(own_ahead) == {0: 3, 1: 5}
    assert resume_at(snapshot(10, {1: 2, 3: 7})) == {1: 2}  # nothing is known of partition 3: from its beginning


@pytest.fixture(scope="module")
def settings() -> Iterator[KafkaSettings]:
    with EmbeddedKafka() as broker:
        create_topics(broker.settings())
        client = producer(broker.settings())
        for number in range(10):
            client.produce(ORIGIN.topic, value=b"{}", key=b"s%d" % number, partition=number % 2)
        assert client.flush(10.0) == 0
        yield broker.settings()


def test_it_fits_the_log_it_came_from(settings: KafkaSettings) -> None:
    topic = Topics().samples
    assert fits(snapshot(10), settings, topic)
    assert fits(snapshot(6), settings, topic)


@pytest.mark.parametrize(
    "other",
    [
        snapshot(12),  # the log ends before
        replace(snapshot(10), sample_ids=tuple(f"t{n}" for n in range(10))),  # other samples lie there
        replace(snapshot(4), positions=tuple(Position(2, n) for n in range(4)), next_offsets={2: 4}),  # none lie there
        snapshot(0),  # nothing to tell by
    ],
    ids=["longer", "other samples", "another partition", "empty"],
)
def test_it_does_not_fit_another(settings: KafkaSettings, other: Snapshot) -> None:
    assert not fits(other, settings, Topics().samples)
