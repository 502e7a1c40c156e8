"""`ccit versions`, `status`, `verify`: look at a running system, changing nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from ccit.cli.options import as_json, config_file, load, reachable
from ccit.errors import CcitError

if TYPE_CHECKING:
    from ccit.config import Config, Selection
    from ccit.records import Version
    from consumers.status import Replica


@click.command()
@config_file
@as_json
def versions(config_path: Path | None, as_json: bool) -> None:
    """List the versions: which is active, which came from which, and the verdict that promoted it."""
    from ccit.assembly.versions import base_version
    from ccit.console import Console
    from consumers.versions import VersionFollower

    config = load(config_path)
    settings = reachable(config_path)
    with VersionFollower(settings, base_version(config)) as follower:
        active = follower.catch_up().number
        known = [follower.lineage.versions[number] for number in sorted(follower.lineage.versions)]
    if as_json:
        listed = [{**asdict(version), "active": version.number == active} for version in known]
        click.echo(orjson.dumps(listed, option=orjson.OPT_INDENT_2).decode())
        return
    with Console() as console:
        console.table(
            f"versions of {config.models.alias}",
            ("version", "parent", "round", "accuracy", "gain (pp)", "forgetting (pp)", ""),
            [_row(version, active) for version in known],
        )


def _row(version: Version, active: int) -> tuple[str, ...]:
    verdict, mark = version.verdict, "active" if version.number == active else ""
    parent = "" if version.parent is None else str(version.parent)
    if verdict is None:
        return (str(version.number), parent, "base model", "", "", "", mark)
    gain, lost = verdict.gain, verdict.forgetting
    return (
        str(version.number),
        parent,
        version.round_id,
        f"{verdict.accuracy:.1%}",
        f"{gain.points:+.1f} [{gain.low:+.1f}, {gain.high:+.1f}]",
        f"{lost.points:+.1f} [{lost.low:+.1f}, {lost.high:+.1f}]",
        mark,
    )


@click.command()
@config_file
@as_json
@click.option("--all", "everyone", is_flag=True, help="Show also the replicas that said nothing for a day.")
def status(config_path: Path | None, as_json: bool, everyone: bool) -> None:
    """Who is where: each replica's version and state, what each group has yet to read, the round at work.

    A replica says each minute that it is there; one that did not for three minutes is `silent`.
    """
    from ccit.console import Console
    from consumers.status import look

    config = load(config_path)
    found = look(reachable(config_path), config.models.alias)
    if not everyone:
        found = found.recent(time.time())
    if as_json:
        click.echo(orjson.dumps(asdict(found), option=orjson.OPT_INDENT_2).decode())
        return
    with Console() as console:
        console.table(
            "replicas",
            ("replica", "state", "version", "behind", "seen", "detail"),
            [
                (r.replica_id, r.state, str(r.version), str(found.announced - r.sequence), _ago(r.at), r.detail)
                for r in found.replicas
            ],
        )
        console.table(
            "still to read",
            ("group", "topic", "messages"),
            [(x.group, x.topic, "unknown" if x.behind is None else str(x.behind)) for x in found.lags],
        )
        console.story(
            f"{found.rounds_judged} rounds judged"
            + (f"; round {found.open_round} is at work" if found.open_round else "; none at work")
        )
        console.story(_control(config.selection.control_share))
        for line in (*_audited(found.replicas, config.selection), *_drifted(found.replicas, config)):
            console.story(line)


def _control(share: float) -> str:
    """What is known of whether the policy beats chance: nothing, as long as nothing is trained from the control arm
    alone.
    """
    if share:
        return (
            f"{share:.1%} of the stream are let in by lot; no round was trained from them alone, so whether the "
            "policy beats chance is not known"
        )
    return "no control arm (selection.control_share = 0): whether the policy beats chance is not known"


def _audited(replicas: Sequence[Replica], selection: Selection) -> Iterator[str]:
    """What each scorer has found of how far its proxy agrees with the deployed model."""
    if not selection.audit_share:
        yield "no proxy audit (selection.audit_share = 0): whether proxy and deployed model agree is not known"
    for replica in replicas:
        for found in replica.audit:
            fails = found.fails(selection.audit_min_correlation)
            yield f"proxy audit of {replica.replica_id}, {found}" + ("; the proxy no longer agrees" if fails else "")


def _drifted(replicas: Sequence[Replica], config: Config) -> Iterator[str]:
    """Changes that scorers have found in what is let in: each once, the newest of each partition last."""
    if not config.drift.detectors:
        yield "no drift detector ([drift.detectors]): whether what is let in changes is not known"
        return
    drifts = sorted({drift for r in replicas for drift in r.drifts}, key=lambda drift: (drift.partition, drift.offset))
    for drift in drifts:
        yield f"drift: {drift}"
    if not drifts:
        yield "no drift found"


def _ago(at: float) -> str:
    seconds = max(0.0, time.time() - at)
    for unit, size in (("s", 1.0), ("min", 60.0), ("h", 3600.0)):
        if seconds < 120.0 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds / 86400.0:.0f} days ago"


@click.command()
@config_file
@as_json
def verify(config_path: Path | None, as_json: bool) -> None:
    """Check every digest, parent link and audit entry of models.alias; exit code 1 if anything is wrong."""
    from ccit.assembly.versions import store
    from ccit.audit import of_alias
    from ccit.audit import verify as check
    from consumers.kafka.topics import Topics
    from consumers.observe import Observer

    config = load(config_path)
    settings = reachable(config_path)
    topics = Topics(settings.prefix)
    with Observer(settings, [topics.rounds, topics.model_versions]) as observer:
        events = (seen.event for seen in observer.catch_up() if seen.event is not None)
        audit = check(of_alias(events, config.models.alias), store(config))
    if as_json:
        click.echo(orjson.dumps(asdict(audit), option=orjson.OPT_INDENT_2).decode())
    else:
        for finding in audit.findings:
            click.echo(f"{finding.subject}: {finding.detail}")
        click.echo(
            f"checked {audit.rounds} rounds, {audit.versions} versions, {audit.announcements} announcements and "
            f"{audit.files} files: {len(audit.findings)} findings"
        )
    if audit.findings:
        raise CcitError(f"{len(audit.findings)} findings; the first: {audit.findings[0].detail}")
