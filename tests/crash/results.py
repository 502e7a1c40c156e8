"""The table of results, as one line and as a page."""

from __future__ import annotations

import os
import platform
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.crash.laws import Breaches
from tests.crash.points import POINTS
from tests.crash.storm import RANDOM, Tally

_POM = Path(__file__).parents[2] / "consumers" / "broker" / "pom.xml"

_LAWS = {
    "lost": "messages on `raw` without a decision",
    "twice": "decisions beyond the messages on `raw`",
    "ingested_twice": "messages on `records` beyond those on `raw`",
    "invented": "decisions about records that nobody sent",
    "admitted_twice": "samples that were admitted again under their id",
    "rounds_twice": "samples in more than one round that has an outcome",
    "rounds_lost": "samples behind the trainer's offsets in no round with an outcome, or before them in one",
    "outcomes_twice": "rounds with more than one published outcome",
    "failed_wrongly": "rounds that could not be trained against their fate, or were trained against it",
    "plans_dropped": "planned rounds that a crash replaced by another",
    "versions_forked": "announcements that break the one line of versions",
    "replayed_wrongly": "replay picks from rounds without an outcome, held, failed, or left by a rollback",
    "misjudged": "contents admitted against the thresholds, or refused against them",
    "letters_altered": "dead letters that do not carry the bytes that were sent",
    "rollbacks_twice": "rollbacks beyond the commands that asked for one",
    "commands_left": "commands without an answer",
    "audit": "findings of `ccit verify`, every artifact's digest included",
}

LONG = 500
"""Kills from which on each kind of trouble must have come: a point is drawn in one of some 24 lives of its process."""

_STRIKES = [(role, point) for role in ("ingest", "score", "train") for point in POINTS[role]]

_ABOUT = """\
# The crash matrix

What DESIGN.md promises about crashes, held against Apache Kafka itself. `make crash-matrix RECORDS=100000 KILLS=1000
SEED=0` runs it; `tests/integration/test_crash_matrix.py` is the reduced form that `make test` runs, which kills each
process at each of its failpoints once.

**What runs.** Three brokers (replication 3, two copies in sync). Raw messages, of which one in 23 cannot be read and
one in 17 repeats an earlier one's content under a new id, go through `ingest`, two scorers, at times a third, and the
trainer; each is a process of its own. With one in 29, an earlier message is fed once more under its own id: it has an
outcome of its own.

**What is done to it.** Each process is started armed with a failpoint (`ccit/failpoints.py`) and kills itself there
by SIGKILL, or is killed at a random moment; it is then started again under its name. A third scorer joins and
leaves. Now and then a second trainer is started: the older must end and say that it was fenced.
Rollback, hold, resume and round-now commands come in between. One broker at a time is stopped or killed and
started again.

**What is a stub.** The embedder and the proxy's IFD are drawn from hashes of the text, so that 100,000 records fit;
the trainer writes a small artifact into the real store instead of training, or fails in one round of 20, drawn from
the round's id; the evaluator answers as that
artifact says (`tests/crash/parts.py`). Admission, novelty index, thresholds, pool, plan, gate, lineage, artifact store
and all of `consumers/` are the real ones. The failpoints of the training process itself (`training.*`) are not in this
run: `tests/integration/test_training_kills.py` kills a trainer without any stub at each of them.

**What is counted.** Everything is read again from the first offset by a read-committed reader at the end. A
seed gives the same strikes in the same order at each place; the moment at which one falls depends on the machine.

**What it found.** The first long run (2026-11-22, the same command: 1,005 kills, 36 broker bounces) ended with
`lost=0 twice=7709`: one partition of `records` was read again from its first offset, under a valid membership, after a
scorer had died between its offsets and the transaction's marker. librdkafka had taken an offset that was not yet stable
for none at all. `consumers/kafka/offsets.py` asks until it is stable; `tests/integration/kafka/test_offsets.py` pins
the library's behaviour. No later run broke a law about records, rounds or versions.
"""


@dataclass(frozen=True, slots=True)
class Result:
    """All of a run."""

    records: int
    kills: int  # asked for
    seed: int
    tally: Tally
    bounces: Counter[str]
    breaches: Breaches
    summary: Mapping[str, int]
    seconds: float

    @property
    def broken(self) -> int:
        """Breaches of any law, ends without a clear sentence and what a long run left undone among them."""
        return self.breaches.total + len(self.tally.unclear) + len(self.undone)

    @property
    def undone(self) -> list[str]:
        """What a run of so many kills has to have done and has not: a calm sea proves nothing about the ship."""
        if self.kills < LONG:
            return []
        due = {f"{role} killed at {point}": self.tally.kills[role, point] for role, point in _STRIKES}
        due |= {f"a broker {manner}": self.bounces[manner] for manner in ("stopped", "killed")}
        due |= {"a scorer added": self.tally.added, "a scorer removed": self.tally.removed}
        due |= {"a trainer fenced": self.tally.fenced, "a command": self.tally.commands}
        return [what for what, times in due.items() if not times]

    def line(self) -> str:
        """The last line of the command."""
        return (
            f"{self.breaches} unclear_ends={len(self.tally.unclear)} undone={len(self.undone)} "
            f"kills={self.tally.killed} fed_twice={self.summary['records that the feed wrote twice']} "
            f"bounces={sum(self.bounces.values())} fenced={self.tally.fenced} records={self.records} seed={self.seed}"
        )


def write_page(path: Path, result: Result) -> None:
    """Write the page; an earlier run's is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([_ABOUT, *_run(result), "", *_laws(result), "", *_kills(result), ""]), encoding="utf-8")


def _run(result: Result) -> list[str]:
    tally, found = result.tally, result.summary
    command = f"make crash-matrix RECORDS={result.records} KILLS={result.kills} SEED={result.seed}"
    rows = {
        "command": f"`{command}`",
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{_processor()}, {os.cpu_count()} cores, Linux {platform.release().split('-')[0]}",
        "software": f"Apache Kafka {_kafka()}, confluent-kafka {version('confluent-kafka')}, Python "
        f"{platform.python_version()}",
        "duration": f"{result.seconds / 60:.0f} minutes",
        "processes killed": f"{tally.killed}",
        "brokers stopped / killed": f"{result.bounces['stopped']} / {result.bounces['killed']}",
        "scorers added / removed": f"{tally.added} / {tally.removed}",
        "older trainers fenced": f"{tally.fenced}",
        "commands": f"{tally.commands}",
    } | {name: str(count) for name, count in found.items()}
    return ["## The run", "", "| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]


def _laws(result: Result) -> list[str]:
    counts = asdict(result.breaches)
    rows = [f"| {_LAWS[name]} | {count} |" for name, count in counts.items()]
    rows.append(f"| processes that ended without one clear sentence | {len(result.tally.unclear)} |")
    rows.append(f"| kinds of trouble that never came, though the run was long enough | {len(result.undone)} |")
    return ["## Breaches", "", "| law | broken |", "|---|---|", *rows, "", f"`{result.line()}`"]


def _kills(result: Result) -> list[str]:
    kills = result.tally.kills
    points = sorted({point for _, point in kills}, key=lambda point: (point == RANDOM, point))
    rows = [f"| {p} | {kills['ingest', p]} | {kills['score', p]} | {kills['train', p]} |" for p in points]
    lines = ["## Kills", "", "| killed at | ingest | score | train |", "|---|---|---|---|", *rows]
    if result.tally.ends:
        lines += ["", "Processes that ended by themselves, with exit code 1 (3: fenced), and were started again:", ""]
        lines += [f"- {count}: {sentence}" for sentence, count in result.tally.ends.most_common()]
    return lines


def _processor() -> str:
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text("utf-8"))
    return found[1] if found else platform.machine()


def _kafka() -> str:
    """The version of the brokers that ccit starts."""
    found = re.search(r"kafka_2\.13</artifactId>\s*<version>([^<]*)", _POM.read_text("utf-8"))
    return found[1] if found else "(version unknown)"
