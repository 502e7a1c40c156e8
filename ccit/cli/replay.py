"""`ccit replay`: the whole loop over a file, without a broker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from ccit.cli.options import as_json, config_file, load

if TYPE_CHECKING:
    from ccit.console import Console
    from ccit.records import Decision, Sample
    from ccit.replay import FinishedRound, Loop


@click.command()
@click.argument("rows", metavar="IN.jsonl", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@config_file
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Write decisions, rounds and versions here."
)
@click.option("--seed", type=int, help="rounds.seed of the configuration without it (0 with neither).")
@as_json
def replay(rows: Path, config_path: Path | None, out: Path | None, seed: int | None, as_json: bool) -> None:
    """Run the loop over IN.jsonl in one process: decide, plan, train, judge, promote; nothing is published.

    The same file, configuration and seed give the same decisions, rounds and versions. A live run may differ in the
    order in which partitions arrive and in the moment at which a proxy moved; every score's stamp names its version.
    Only a full pool starts a round here: a file has no clock.
    Without --config the demo's small models, suites and profile are used; their files go to runs/replay.
    """
    from ccit.assembly.replay import loop as assemble
    from ccit.console import Console
    from ccit.demo.stage import set_stage, small_ingredients

    with Console(silent=as_json) as console:
        if config_path is None:
            config = set_stage(Path("runs/replay"), seed or 0, small_ingredients(console.progress), {}).config
        else:
            config = load(config_path)
            if seed is not None:
                rounds = config.rounds.model_copy(update={"seed": seed})
                config = config.model_copy(update={"rounds": rounds})
        parts = assemble(config)
        result = _run(rows, parts, config.kafka.batch_size, config.ingest.max_bytes, console)
        if out is not None:
            _write(result, out)
        if as_json:
            click.echo(orjson.dumps(result["summary"], option=orjson.OPT_NON_STR_KEYS).decode())
        else:
            summary = result["summary"]
            console.story(
                f"{summary['decided']} decided, {summary['accepted']} accepted, {summary['unreadable']} unreadable"
            )
            console.story(f"{len(summary['rounds'])} rounds; version {summary['active_version']} is active")


def _run(rows: Path, parts: Loop, batch_size: int, max_bytes: int, console: Console) -> dict[str, Any]:
    from ccit.ingest.files import lines_of
    from ccit.records import Decision
    from ccit.replay import replay as run

    total = sum(1 for _ in lines_of(rows))
    unreadable: list[str] = []
    decisions: list[dict[str, Any]] = []
    rounds: list[dict[str, Any]] = []
    batches = _batches(rows, batch_size, max_bytes, unreadable)
    for happening in run(batches, parts, console.progress, _no_time):
        if isinstance(happening, Decision):
            decisions.append(decision_line(happening))
            console.progress("decided", len(decisions) + len(unreadable), total)
        else:
            rounds.append(round_line(happening))
            console.story(f"round {happening.planned.round_id}: {happening.verdict.outcome}. {happening.verdict.why}")
    refused = Counter(line["reason"] for line in decisions if not line["accepted"])
    return {
        "decisions": decisions,
        "summary": {
            "decided": len(decisions),
            "accepted": sum(line["accepted"] for line in decisions),
            "rejected": dict(refused),
            "arms": _arms(decisions),
            "unreadable": len(unreadable),
            "rounds": rounds,
            "scoring_flops": parts.scoring_spent().flops,
            "active_version": parts.lineage.incumbent.number,
        },
    }


def _arms(decisions: Sequence[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Of each arm that decided anything: records, those let in, and the characters of their responses."""
    arms: dict[str, dict[str, int]] = {}
    for line in decisions:
        counts = arms.setdefault(line["arm"], {"in": 0, "accepted": 0, "characters": 0})
        counts["in"] += 1
        counts["accepted"] += line["accepted"]
        counts["characters"] += line["characters"] * line["accepted"]
    return arms


def _no_time() -> float:
    """A file has no clock: with the wall's, this machine's speed would decide when a trigger's age is over."""
    return 0.0


def _batches(rows: Path, size: int, max_bytes: int, unreadable: list[str]) -> Iterator[Sequence[Sample]]:
    from ccit.errors import InputError
    from ccit.ingest.files import lines_of, sample_from_line

    lines = lines_of(rows)
    while batch := list(islice(lines, size)):
        samples = []
        for line in batch:
            try:
                samples.append(sample_from_line(line, max_bytes))
            except InputError as error:
                unreadable.append(str(error))
        yield samples


def decision_line(decision: Decision) -> dict[str, Any]:
    """One decision with its scores and their stamps."""
    return {
        "sample_id": decision.sample.sample_id,
        "record_id": decision.sample.record_id,
        "accepted": decision.accepted,
        "reason": decision.reason,
        "owner": decision.owner,
        "policy": decision.policy,
        "arm": decision.arm,
        "characters": len(decision.sample.response),
        "proxy_version": decision.proxy_version,
        "scores": {s.metric: {"value": s.value, "scorer": s.scorer, "unscored": s.unscored} for s in decision.scores},
    }


def round_line(finished: FinishedRound) -> dict[str, Any]:
    """One round: what it was, what came of it, and the bytes it made."""
    adapters, announcement = finished.candidate.adapters, finished.announcement
    return {
        "round_id": finished.planned.round_id,
        "due": {"trigger": finished.planned.due.trigger, "numbers": dict(finished.planned.due.numbers)},
        "samples": len(finished.planned.sample_ids) + len(finished.planned.validation_ids),
        "training_tokens": finished.candidate.training.tokens,
        "training_flops": finished.candidate.training.flops,
        "evaluation_flops": finished.evaluation.flops,
        "parent": finished.planned.parent,
        "outcome": finished.verdict.outcome,
        "why": finished.verdict.why,
        "version": announcement.version.number if announcement else None,
        "accuracy": finished.verdict.accuracy,
        "accuracy_by_group": dict(finished.verdict.accuracy_by_group),
        "general_accuracy": finished.verdict.general_accuracy,
        "incumbent_accuracy": finished.verdict.incumbent_accuracy,
        "incumbent_general_accuracy": finished.verdict.incumbent_general_accuracy,
        "deployed_adapter": adapters.deployed.uri,
        "proxy_adapter": adapters.proxy.uri,
    }


def _write(result: dict[str, Any], out: Path) -> None:
    from ccit.store.atomic import write_atomically

    write_atomically(out / "decisions.jsonl", b"".join(orjson.dumps(line) + b"\n" for line in result["decisions"]))
    write_atomically(
        out / "summary.json", orjson.dumps(result["summary"], option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    )
