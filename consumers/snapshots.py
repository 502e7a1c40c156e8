"""Snapshot files of the scorers of one alias: who wrote what, which may be used, and whether it fits the log.

Each scorer writes a file of its own and may start from anyone's. A snapshot is used when its digest is right, its
origin is ours, and the log still holds, at the places where the snapshot ends, the samples it says are there: a topic
that was made anew, or a broker whose memory is gone, has others or none.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ccit.errors import ArtifactDamaged, StorageFailed
from ccit.records import digest_of
from ccit.scoring.snapshot import Snapshot, SnapshotOrigin, read_snapshot, write_snapshot
from ccit.store.atomic import remove_stale
from ccit.store.pruning import keep_newest
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.follower import Follower
from consumers.kafka.topics import Topic

logger = logging.getLogger("ccit.score")

_KEPT = 8  # files per alias: processes that are named by their process id leave one behind at each start
_SUFFIX = ".novelty"


class SnapshotFiles:
    """The files below `root`, which all scorers of a system share.

    Parameters
    ----------
    instance : str
        Names this scorer among its like, and its file.
    """

    def __init__(self, root: Path, origin: SnapshotOrigin, instance: str) -> None:
        self._origin = origin
        self._folder = root / "snapshots"
        self._alias = digest_of([origin.topic, origin.alias])[:12]
        self._own = self._folder / f"{self._alias}-{re.sub(r'[^A-Za-z0-9.-]', '_', instance)}{_SUFFIX}"

    def write(self, snapshot: Snapshot) -> bool:
        """Replace our file, if the disk takes it; if not, that costs a slower start, not the scorer."""
        try:
            write_snapshot(self._own, snapshot)
        except StorageFailed as error:
            logger.warning("no snapshot: %s", error)
            return False
        keep_newest(self._folder.glob(f"{self._alias}-*{_SUFFIX}"), _KEPT)
        remove_stale(self._folder)
        logger.info("snapshot of %d samples in %s", len(snapshot.positions), self._own.name)
        return True

    def usable(self) -> Iterator[Snapshot]:
        """Sound snapshots of our origin, the newest first; each that is not is named in the log."""
        for path in self._newest_first():
            try:
                yield read_snapshot(path, self._origin)
            except (ArtifactDamaged, FileNotFoundError) as error:
                logger.warning("a snapshot is not used: %s", error)

    def _newest_first(self) -> list[Path]:
        dated = []
        for path in self._folder.glob(f"{self._alias}-*{_SUFFIX}"):
            try:
                dated.append((path.stat().st_mtime_ns, path.name, path))
            except OSError:  # another scorer sweeps too
                continue
        return [path for _, _, path in sorted(dated, reverse=True)]


@dataclass(frozen=True, slots=True)
class Tail:
    """The last sample that a snapshot has read from a partition."""

    offset: int
    sample_id: str


def tails(snapshot: Snapshot) -> dict[int, Tail]:
    """Per partition; absent where the snapshot has nothing, or nothing below its next offset."""
    found: dict[int, Tail] = {}
    for position, sample_id in zip(snapshot.positions, snapshot.sample_ids, strict=True):
        last = found.get(position.partition, Tail(-1, ""))
        if last.offset < position.offset < snapshot.next_offsets.get(position.partition, 0):
            found[position.partition] = Tail(position.offset, sample_id)
    return found


def fits(snapshot: Snapshot, settings: KafkaSettings, topic: Topic) -> bool:
    """Whether the log holds what the snapshot ends with. Raises `BrokerUnavailable`."""
    expected = tails(snapshot)
    found: dict[int, Tail] = {}
    with Follower(settings, topic, {partition: tail.offset for partition, tail in expected.items()}) as reader:
        for messages in reader.to_end():
            for message in messages:
                sample_id = (message.key or b"").decode("utf-8", "replace")
                found.setdefault(message.partition, Tail(message.offset, sample_id))
            if found.keys() >= expected.keys():
                break
    return bool(expected) and all(found.get(partition) == tail for partition, tail in expected.items())


def resume_at(snapshot: Snapshot) -> dict[int, int]:
    """Where to read on, per partition; from the beginning where absent."""
    return {partition: snapshot.next_offsets[partition] for partition in tails(snapshot)}
