"""`ccit dead-letters list`, `show`, `redrive`: the messages that could not be read, and sending them again."""

from __future__ import annotations

import base64
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from ccit.cli.options import as_json, config_file, reachable
from ccit.cli.terminal import escaped, say, when
from ccit.errors import CcitError

if TYPE_CHECKING:
    from consumers.dead_letters import DeadLetter

SHOWN_BYTES = 4096
"""Of a value on a terminal; `--raw` gives all of it."""

_NUMBER = click.IntRange(min=0, max=2**63 - 1)

reason_option = click.option("--reason", default="", help="Only those of one reason, e.g. too_large.")


@click.group("dead-letters")
def dead_letters() -> None:
    """List, show and re-drive the messages that could not be read.

    A dead letter's number is its offset in the dead-letters topic.

    \b
    ccit dead-letters list --reason too_large   what could not be read, and why
    ccit dead-letters show 17                   one of them, safe for a terminal
    ccit dead-letters redrive 17                back to its topic, once the cause is mended
    """


@dead_letters.command("list")
@reason_option
@click.option(
    "--limit", type=click.IntRange(min=0), default=50, show_default=True, help="At most so many, the newest; 0 is all."
)
@click.option("--all", "everything", is_flag=True, help="Those re-driven already too.")
@config_file
@as_json
def list_letters(reason: str, limit: int, everything: bool, config_path: Path | None, as_json: bool) -> None:
    """List them: when, from where, why, how often tried. The contents are not shown."""
    from ccit.console import Console
    from consumers.redrive import overview

    found = overview(reachable(config_path))
    chosen = [x for x in (found.letters if everything else found.waiting()) if reason in ("", x.reason)]
    shown = chosen[-limit:] if limit else chosen
    if as_json:
        listed = [{**_facts(letter), "redriven": letter.number in found.redriven} for letter in shown]
        click.echo(orjson.dumps(listed, option=orjson.OPT_INDENT_2).decode())
        return
    with Console() as console:
        console.table(
            f"dead letters: {len(shown)} of {len(chosen)}" + (f" of reason {reason}" if reason else ""),
            ("number", "when (UTC)", "from", "reason", "error", "attempts", "bytes", ""),
            [(*_row(letter), "re-driven" if letter.number in found.redriven else "") for letter in shown],
        )


@dead_letters.command("show")
@click.argument("number", type=_NUMBER)
@click.option("--raw", is_flag=True, help="The original value alone, byte for byte, to standard output.")
@config_file
@as_json
def show(number: int, raw: bool, config_path: Path | None, as_json: bool) -> None:
    """Show one: why it could not be read, its headers and its value, with control characters escaped."""
    from consumers.redrive import whole_letter

    letter = whole_letter(reachable(config_path), number)
    if raw:
        sys.stdout.buffer.write(letter.value or b"")
        sys.stdout.buffer.flush()
        return
    if as_json:
        click.echo(orjson.dumps(_everything(letter), option=orjson.OPT_INDENT_2).decode())
        return
    for name, value in _facts(letter).items():
        say(f"{name + ':':<11} {escaped(str(value).encode())}")
    say(f"{'key:':<11} {escaped(letter.key or b'')}")
    for header, content in letter.headers:
        say(f"{'header:':<11} {escaped(header.encode())} = {escaped((content or b'')[:SHOWN_BYTES])}")
    say("value:")
    say(_bytes(letter.value))


@dead_letters.command("redrive")
@click.argument("numbers", nargs=-1, type=_NUMBER)
@reason_option
@click.option("--all", "everything", is_flag=True, help="All that were not re-driven yet.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--force", is_flag=True, help="Also those tried too often, or re-driven before.")
@config_file
def redrive(
    numbers: tuple[int, ...], reason: str, everything: bool, dry_run: bool, force: bool, config_path: Path | None
) -> None:
    """Send originals back to the topic they came from: those of NUMBERS, of one --reason, or --all that wait."""
    from ccit.console import Console
    from consumers import redrive as sending
    from consumers.kafka.topics import Topics

    if not numbers and not reason and not everything:
        raise click.UsageError("expected numbers, --reason or --all; `ccit dead-letters list` shows what there is")
    settings = reachable(config_path)
    found = sending.overview(settings)
    known = {letter.number: letter for letter in found.letters}
    unknown = sorted(set(numbers) - set(known))
    if unknown:
        raise click.UsageError(f"there is no dead letter {unknown[0]}; `ccit dead-letters list` shows which there are")
    chosen = [known[number] for number in sorted(set(numbers))] if numbers else list(found.waiting())
    chosen = [letter for letter in chosen if reason in ("", letter.reason)]
    refused = {x.number: sending.refusal(x, found.redriven, Topics(settings.prefix), force) for x in chosen}
    going = [letter for letter in chosen if not refused[letter.number]]
    for number, why in refused.items():
        if why:
            click.echo(f"dead letter {number} stays: {escaped(why.encode())}")
    if dry_run:
        for letter in going:
            click.echo(f"dead letter {letter.number} would go back to {letter.topic}")
    else:
        with Console() as console:
            sent = sending.redrive(
                settings, {x.number for x in going}, lambda done: console.progress("re-driven", done, len(going))
            )
        click.echo(f"{sent} re-driven, {len(chosen) - len(going)} refused")
    if numbers and len(going) < len(chosen):
        raise CcitError(f"{len(chosen) - len(going)} of {len(chosen)} dead letters were refused, as said above")


def _bytes(content: bytes | None) -> str:
    if content is None:
        return "(none)"
    more = len(content) - SHOWN_BYTES
    return escaped(content[:SHOWN_BYTES], lines=True) + (
        f"\n(and {more} more bytes; --raw prints all)" if more > 0 else ""
    )


def _row(letter: DeadLetter) -> tuple[str, ...]:
    place = f"{letter.topic}[{letter.partition}]@{letter.offset}"
    size = f"{letter.size_bytes:,}" + (" (cut)" if letter.cut else "")
    return (
        str(letter.number),
        when(letter.at_ms),
        place,
        letter.reason,
        letter.error,
        str(letter.attempts),
        size,
    )


def _facts(letter: DeadLetter) -> dict[str, Any]:
    """Everything but the original itself."""
    facts = {name: value for name, value in asdict(letter).items() if name not in ("key", "value", "headers", "at_ms")}
    return {**facts, "at": when(letter.at_ms)}


def _everything(letter: DeadLetter) -> dict[str, Any]:
    return {
        **_facts(letter),
        "key_base64": _base64(letter.key),
        "value_base64": _base64(letter.value),
        "headers": [{"name": name, "value_base64": _base64(value)} for name, value in letter.headers],
    }


def _base64(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode("ascii")
