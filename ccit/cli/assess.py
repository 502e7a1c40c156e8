"""`ccit assess`: the online decisions over a file, without a broker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from ccit.cli.options import config_file, load

if TYPE_CHECKING:
    from ccit.assembly.scoring import ScoringParts
    from ccit.config import Config, Selection
    from ccit.console import Console
    from ccit.errors import InputError
    from ccit.ports.selection import Check
    from ccit.records import Decision, Sample

BATCH = 256  # rows per admission batch: enough to fill the models' own batches
MEASURED = 64  # with `--checks`: what came before a batch is what its rows are compared with
FIELDS = ("ifd", "ppl_conditional", "ppl_direct", "diversity", "novelty")


@click.command()
@click.argument("rows", metavar="IN.jsonl", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="One line per row, in order."
)
@click.option("--proxy", help="Folder of the proxy model, or ID@COMMIT on the hub; models.proxy without it.")
@click.option(
    "--dtype",
    type=click.Choice(["auto", "float32", "bfloat16"]),
    help="Number type of the proxy: models.dtype without it, and float32 where that is auto, so that machines agree. "
    "`auto` scores in the type that a scorer would choose on this machine.",
)
@click.option("--all-scores", is_flag=True, help="Score everything on every row; the decisions stay the same.")
@click.option(
    "--checks",
    metavar="all|NAME,...",
    help="Measure by these checks at their defaults, and refuse nothing but copies; a configured table counts.",
)
@config_file
def assess(
    rows: Path,
    out: Path,
    proxy: str | None,
    dtype: str | None,
    all_scores: bool,
    checks: str | None,
    config_path: Path | None,
) -> None:
    """Score IN.jsonl with the online pipeline: one line per row, same order.

    \b
    Fields: id, accepted, reason, ifd, ppl_conditional, ppl_direct, diversity, novelty, tokens, truncated.
    A score that was not reached (or could not be made) is null. Rows that come later are judged against those
    accepted before. Where no proxy is named at all, the small demo proxy is used, and built on first use.

    With --checks, `scores` holds what each measures, `unscored` why it does not, and `refused` the reason of each that
    would refuse the row. Each row is compared with all before its batch of 64.
    """
    from ccit.assembly.scoring import scoring
    from ccit.console import Console
    from ccit.store.atomic import write_atomically
    from ccit.store.private import make_directory

    make_directory(out.parent)  # before the work, not after
    console = Console(silent=False)
    try:
        config = load(config_path)
        place, revision = _proxy(proxy, config, console)
        named = {"proxy": place, "proxy_revision": revision, "dtype": dtype or _exact(config.models.dtype)}
        unused = {"deployed": place, "deployed_revision": revision}  # nothing is deployed here
        config = config.model_copy(update={"models": config.models.model_copy(update=named | unused)})
        if checks is not None:
            config = config.model_copy(update={"selection": _measuring(checks, config)})
        parts = scoring(config, all_scores=all_scores or checks is not None)
        size = BATCH if checks is None else MEASURED
        lines = list(_assessed(rows, parts, config.ingest.max_bytes, size, console))
        write_atomically(out, b"".join(orjson.dumps(line) + b"\n" for line in lines))
    finally:
        console.close()
    accepted = sum(line["accepted"] for line in lines)
    click.echo(f"{len(lines)} rows, {accepted} accepted; written to {out}")


def _exact(dtype: str) -> str:
    """The configured number type; float32 where a timing would choose one."""
    return "float32" if dtype == "auto" else dtype


def _measuring(asked: str, config: Config) -> Selection:
    """The checks that were asked for, with a policy that refuses nothing."""
    from ccit.config import Selection
    from ccit.plugins import plugins

    known = plugins("check")
    kinds = list(known) if asked == "all" else [name.strip() for name in asked.split(",") if name.strip()]
    for kind in kinds:
        if kind not in known:
            raise click.BadParameter(
                f"expected all, or some of {', '.join(known)}; found {kind!r}", param_hint="--checks"
            )
    configured = config.selection.checks
    tables = {kind: configured.get(kind) or known[kind].settings() for kind in kinds}
    return Selection.model_construct(checks=tables, policy=plugins("policy")["accept_all"].settings())


def _proxy(asked: str | None, config: Config, console: Console) -> tuple[str, str]:
    """Folder or hub id of the proxy, and its revision: the one asked for, the configured one, or the demo's."""
    from ccit.config import Models

    if asked is not None:
        name, _, revision = (asked, "", "") if Path(asked).exists() else asked.partition("@")
        return name, revision
    configured = (config.models.proxy, config.models.proxy_revision)
    default = Models()
    if configured == (default.proxy, default.proxy_revision):
        return str(_demo_proxy(console)), ""
    return configured


def _demo_proxy(console: Console) -> Path:
    from ccit.config import cache_root
    from ccit.models.tiny import tiny_pair

    return tiny_pair(cache_root() / "models", seed=0, progress=console.progress).proxy


def _assessed(rows: Path, parts: ScoringParts, max_bytes: int, size: int, console: Console) -> Iterator[dict[str, Any]]:
    from ccit.ingest.files import lines_of
    from ccit.pipeline import admit
    from ccit.records import Position, Sample

    total = sum(1 for _ in lines_of(rows))
    lines, done = lines_of(rows), 0
    while batch := list(islice(lines, size)):
        read = [_read(line, max_bytes) for line in batch]
        decisions = admit([item for item in read if isinstance(item, Sample)], parts.admission)
        accepted = [d.sample.sample_id for d in decisions if d.accepted]
        parts.admission.commit({sample_id: Position(0, done + n) for n, sample_id in enumerate(accepted)})
        decided = iter(decisions)
        for line, item in zip(batch, read, strict=True):
            if isinstance(item, Sample):
                yield _line(next(decided), parts.count_tokens(item.response), parts.checks)
            else:
                yield _refused(line, item)
        done += len(batch)
        console.progress("rows", done, total)


def _read(line: bytes, max_bytes: int) -> Sample | InputError:
    """The sample of a row, or why it is none."""
    from ccit.errors import InputError
    from ccit.ingest.files import sample_from_line

    try:
        return sample_from_line(line, max_bytes)
    except InputError as error:
        return error


def _line(decision: Decision, tokens: int, checks: Mapping[str, Check]) -> dict[str, Any]:
    from ccit.ingest.rows import prefix_of

    sample = decision.sample
    own = {score.metric: score for score in decision.scores}
    said = {kind: check.refuse(own[check.metric]) for kind, check in checks.items() if check.metric in own}
    others = {score.metric: score.value for score in decision.scores if score.metric not in FIELDS}
    return {
        "id": sample.record_id.removeprefix(prefix_of(sample.source)),
        "accepted": decision.accepted,
        "reason": decision.reason,
        **{name: decision.value(name) for name in FIELDS},
        "tokens": tokens,
        "truncated": max((score.truncated for score in decision.scores), default=0),
        "scores": others,  # of the other checks that ran, those of plug-ins among them
        "unscored": {score.metric: score.unscored for score in decision.scores if score.value is None},
        "refused": {kind: reason for kind, reason in said.items() if reason is not None},
    }


def _refused(line: bytes, error: InputError) -> dict[str, Any]:
    """A row that is no sample: the reason of the dead letter it would be, and the sentence."""
    from ccit.errors import InputError as Unreadable
    from ccit.events import parse_json

    own_id = None
    with suppress(Unreadable):  # with the same bounds as at the first reading
        row = parse_json(line)
        own_id = str(row["id"]) if isinstance(row, dict) and "id" in row else None
    nothing = dict.fromkeys((*FIELDS, "tokens"), None)
    return {"id": own_id, "accepted": False, "reason": error.reason, **nothing, "truncated": 0, "error": error.detail}
