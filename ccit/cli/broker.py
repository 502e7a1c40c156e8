"""`ccit broker`: Apache Kafka on this machine, without Docker."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option("--nodes", type=click.Choice(["1", "3"]), default="1", show_default=True, help="Size of the cluster.")
@click.option("--data", type=click.Path(path_type=Path), default=Path("runs/kafka"), show_default=True)
def broker(nodes: str, data: Path) -> None:
    """Run Apache Kafka 4 (KRaft) here until Ctrl-C; prints its address once it answers.

    Needs a JDK 17 and, the first time, Maven to resolve Kafka's jars into the user's cache folder.
    """
    from consumers.broker.local import LocalKafka, run_local_broker

    def ready(cluster: LocalKafka) -> None:
        bootstrap_servers = cluster.bootstrap_servers
        click.echo(f"Kafka answers at {bootstrap_servers}  (data in {data}/; Ctrl-C ends it)")
        click.echo(f"use it:  CCIT_KAFKA__BOOTSTRAP_SERVERS={bootstrap_servers} ccit up --config FILE.toml")

    run_local_broker(int(nodes), data, ready)
