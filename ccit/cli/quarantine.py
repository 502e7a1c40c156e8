"""`ccit quarantine list`, `show`, `release`: what a check keeps for a person to look at, and letting it in."""

from __future__ import annotations

import getpass
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from ccit.cli.options import as_json, config_file, reachable
from ccit.cli.terminal import escaped, say, when

if TYPE_CHECKING:
    from ccit.records import Decision
    from consumers.quarantine import Quarantined

_SHOWN_CHARACTERS = 12  # of a sample's id in a table

cause_option = click.option("--cause", default="", help="Only those of one cause, e.g. truncation.")


@click.group("quarantine")
def quarantine() -> None:
    """List, show and release what was refused and kept for a person to look at.

    ID is the id of a sample, or its beginning.

    \b
    ccit quarantine list --cause language   what waits, and why
    ccit quarantine show 3fa1               one of them, safe for a terminal
    ccit quarantine release 3fa1            let it in; scorers do it within seconds
    """


@quarantine.command("list")
@cause_option
@click.option(
    "--limit", type=click.IntRange(min=0), default=50, show_default=True, help="At most so many, the newest; 0 is all."
)
@click.option("--all", "everything", is_flag=True, help="Those released already too.")
@config_file
@as_json
def list_quarantined(cause: str, limit: int, everything: bool, config_path: Path | None, as_json: bool) -> None:
    """List them: when, why, by which score, from where. The texts are not shown."""
    from ccit.console import Console
    from consumers.quarantine import quarantined

    found = [one for one in quarantined(reachable(config_path)) if everything or not one.is_released]
    chosen = [one for one in found if cause in ("", one.cause)]
    shown = chosen[-limit:] if limit else chosen
    if as_json:
        click.echo(orjson.dumps([asdict(one) for one in shown], option=orjson.OPT_INDENT_2).decode())
        return
    with Console() as console:
        console.table(
            f"in quarantine: {len(shown)} of {len(chosen)}" + (f" of cause {cause}" if cause else ""),
            ("id", "when (UTC)", "cause", "reason", "value", "source", "language", ""),
            [_row(one) for one in shown],
        )
        for name, count in Counter(one.cause for one in chosen).most_common():
            console.story(f"{name}: {count}")


@quarantine.command("show")
@click.argument("name", metavar="ID")
@config_file
@as_json
def show(name: str, config_path: Path | None, as_json: bool) -> None:
    """Show one: why it was refused, its scores and its text, with control characters escaped."""
    from consumers.quarantine import one_of, quarantined, whole

    settings = reachable(config_path)
    found = one_of(quarantined(settings), name)
    for _, decision in whole(settings, [found]):
        if as_json:
            click.echo(orjson.dumps({**asdict(found), "decision": asdict(decision)}, option=orjson.OPT_INDENT_2))
        else:
            _show(found, decision)


@quarantine.command("release")
@click.argument("names", nargs=-1, metavar="ID...")
@cause_option
@click.option("--all", "everything", is_flag=True, help="All that wait.")
@click.option("--by", default="", help="Who says so, kept in the decision; the name of the login without it.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@config_file
def release(
    names: tuple[str, ...], cause: str, everything: bool, by: str, dry_run: bool, config_path: Path | None
) -> None:
    """Let samples in, unless they are copies: those named, of one --cause, or --all that wait."""
    from ccit.console import Console
    from consumers import quarantine as releasing

    if not names and not cause and not everything:
        raise click.UsageError("expected ids, --cause or --all; `ccit quarantine list` shows what there is")
    settings = reachable(config_path)
    found = releasing.quarantined(settings)
    named = [releasing.one_of(found, name) for name in names] if names else [x for x in found if not x.is_released]
    chosen = [one for one in dict.fromkeys(named) if cause in ("", one.cause)]
    if dry_run:
        for one in chosen:
            click.echo(f"{one.sample_id} ({one.cause}) would be released")
        return
    with Console() as console:
        sent = releasing.release(
            settings, chosen, by or _login(), time.time, lambda done: console.progress("released", done, len(chosen))
        )
    click.echo(f"{sent} released; `ccit status` shows when scorers have read them")


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container; Python 3.13 raises the latter
        return "operator"


def _row(one: Quarantined) -> tuple[str, ...]:
    value = "" if one.value is None else f"{one.value:.3f}"
    shown = (one.sample_id[:_SHOWN_CHARACTERS], when(one.at_ms), one.cause, one.reason, value, one.source, one.lang)
    return (*shown, "released" if one.is_released else "")


def _show(found: Quarantined, decision: Decision) -> None:
    from ccit.plugins import plugins

    sample = decision.sample
    explained = (
        getattr(plugins("check")[decision.owner].cls, "causes", {}) if decision.owner in plugins("check") else {}
    )
    facts = {
        "id": found.sample_id,
        "record": sample.record_id,
        "when": when(found.at_ms),
        "reason": f"{found.reason}, by {decision.owner}",
        "cause": f"{found.cause}: {explained.get(found.cause, '')}".rstrip(": "),
        "released": "yes" if found.is_released else "no",
        **{s.metric: s.unscored if s.value is None else f"{s.value:.4g}" for s in decision.scores},
    }
    for name, value in facts.items():
        say(f"{name + ':':<17} {escaped(str(value).encode())}")
    for turn in sample.messages():
        say(f"-- {turn['role']}")
        say(escaped(turn["content"].encode(), lines=True))
    say("-- answer")
    say(escaped(sample.response.encode(), lines=True))
