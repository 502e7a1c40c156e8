"""`ccit up`, and four of the consumers that it runs, each a command of its own; `clinical.py` has the others."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from ccit.cli.options import config_file, load

if TYPE_CHECKING:
    from ccit.config import Config

ROLES = ("ingest", "score", "train", "serve")

instance_option = click.option(
    "--instance",
    default=lambda: f"{socket.gethostname()}-{os.getpid()}",
    help="Name of this process among its like; stable names take over their predecessor's transactions at once.",
)


def log_everything() -> None:
    """A consumer's log is its face: what happens is said."""
    logging.getLogger("ccit").setLevel(min(logging.INFO, logging.getLogger().level))
    for client in ("httpx", "httpx2", "openai"):  # the last would log what it is asked, which is a record
        logging.getLogger(client).setLevel(logging.WARNING)


def stop_on_signals(stop: Callable[[], None], at_once: Callable[[], None] = lambda: None) -> None:
    """First SIGTERM or SIGINT: finish and leave; the second: end at once. Uncommitted work is done again.

    Parameters
    ----------
    stop : callable
        Called at the first signal, and at every `STOP` of a supervisor, which does not count as one.
    at_once : callable
        Called before the process ends at the second signal.
    """
    from consumers.supervise import STOP

    def leave(number: int, _frame: FrameType | None) -> None:
        stop()  # first: to log may fail, where this signal came in the middle of a line
        logging.getLogger("ccit").info("%s: finishing and leaving", signal.Signals(number).name)

    def end(number: int, _frame: FrameType | None) -> None:
        at_once()
        os._exit(128 + number)

    def first(number: int, frame: FrameType | None) -> None:
        for again in (signal.SIGTERM, signal.SIGINT):
            signal.signal(again, end)
        leave(number, frame)

    signal.signal(signal.SIGTERM, first)
    signal.signal(signal.SIGINT, first)
    signal.signal(STOP, leave)


@click.command()
@config_file
@instance_option
def ingest(config_path: Path | None, instance: str) -> None:
    """Read what the hospital sends: every message of `raw` becomes one record or one dead letter."""
    from consumers.connection import ready_broker
    from consumers.ingest import ingest_loop
    from consumers.metrics import DeadLetterMetrics, LoopMetrics, exposed

    log_everything()
    config = load(config_path)
    ready_broker(config)
    loop = ingest_loop(config, instance)
    stop_on_signals(loop.stop)
    with exposed(config.metrics, "ingest", instance, lambda: [LoopMetrics(loop), DeadLetterMetrics(loop)]):
        loop.run()


@click.command()
@config_file
@instance_option
def score(config_path: Path | None, instance: str) -> None:
    """Decide online: every record becomes a sample, a reject or a dead letter, in one transaction per batch."""
    from ccit.assembly.scoring import scoring
    from consumers.connection import ready_broker
    from consumers.metrics import DeadLetterMetrics, LoopMetrics, ScoreMetrics, exposed
    from consumers.score import ScoreConsumer

    log_everything()
    config = load(config_path)
    ready_broker(config)
    consumer = ScoreConsumer(config, scoring(config, audited=True), instance)
    loop = consumer.loop
    stop_on_signals(loop.stop)
    with exposed(
        config.metrics, "score", instance, lambda: [LoopMetrics(loop), DeadLetterMetrics(loop), ScoreMetrics(consumer)]
    ):
        consumer.run()


@click.command()
@config_file
@instance_option
def train(config_path: Path | None, instance: str) -> None:
    """Train: when the pool is due, a LoRA round, a verdict, and perhaps a new version. Run exactly one."""
    from ccit.assembly.training import trainer_parts
    from consumers.connection import ready_broker
    from consumers.metrics import TrainMetrics, exposed
    from consumers.train import TrainConsumer

    log_everything()
    config = load(config_path)
    _require_schedule(config)
    ready_broker(config)
    consumer = TrainConsumer(config, trainer_parts(config), instance)
    stop_on_signals(consumer.stop)
    with exposed(config.metrics, "train", instance, lambda: [TrainMetrics(consumer.state)]):
        consumer.run()


@click.command()
@config_file
@instance_option
def serve(config_path: Path | None, instance: str) -> None:
    """Answer over HTTP with the active version (OpenAI's API); a new version takes over without a pause."""
    from consumers.connection import ready_broker
    from consumers.serve import ServeConsumer

    log_everything()
    config = load(config_path)
    ready_broker(config)
    consumer = ServeConsumer(config, instance)
    stop_on_signals(consumer.stop)
    consumer.run()


@click.command()
@config_file
@click.option("--scorers", default=1, show_default=True, help="Scorers that share the stream.")
@click.option("--logs", type=click.Path(path_type=Path), default=Path("runs/logs"), show_default=True)
def up(config_path: Path | None, scorers: int, logs: Path) -> None:
    """Run every consumer in one command, and start again what dies; `ccit mllp`, `ccit clinical` and `ccit generate`
    where the configuration has [mllp], [clinical] and [generation].

    Ctrl-C or SIGTERM once: every consumer finishes its work and requests in flight are answered. A second time: all
    end at once; nothing is lost. What another process has taken over (the trainer, when a second machine runs one) is
    not started again. While scorers are at work, each says now and then how far it is.

    With kafka.bootstrap_servers = "embedded" a broker in memory is started too: nothing outlives the command.
    """
    from consumers.broker.configured import broker_for
    from consumers.progress import ProgressFollower
    from consumers.supervise import Supervisor, grace

    log_everything()
    config = load(config_path)
    _require_schedule(config)
    stopping: list[bool] = []
    supervisor = Supervisor(logs, grace_s=grace(config.serving.drain_seconds))
    stop_on_signals(lambda: stopping.append(True), at_once=supervisor.kill)
    arguments = ["--config", str(config_path)] if config_path else []
    with broker_for(config) as broker, supervisor:
        for role in roles(config):
            for number in range(scorers if role == "score" else 1):
                instance = f"{socket.gethostname()}-{number}"  # stable, and no other machine's
                own = {**broker.environment, **_metrics_port(config, role, number)}
                supervisor.start(f"{role}-{number}", [role, *arguments, "--instance", instance], own)
        serving = config.serving
        where = f"http://{serving.host}:{serving.port}/v1" if serving.port else "on a free port, see `ccit status`"
        sys.stdout.write(
            f"ccit runs {len(supervisor.process_ids())} consumers on "
            f"{broker.settings.bootstrap_servers}; logs in {logs}/\n"
            f"OpenAI-compatible API: {where} (ready when /ready is 200)\n"
        )
        sys.stdout.flush()
        with closing(ProgressFollower(broker.settings)) as heard:
            while not stopping:
                supervisor.watch()
                sys.stdout.writelines(f"{line}\n" for line in heard.lines())
                sys.stdout.flush()
                time.sleep(0.5)


def roles(config: Config) -> tuple[str, ...]:
    """What `ccit up` runs: the hospital's door as far as the configuration speaks of it, and all the rest.

    >>> from ccit.config import Clinical, Config, Mllp
    >>> roles(Config()), roles(Config(clinical=Clinical(), mllp=Mllp()))[:2]
    (('ingest', 'score', 'train', 'serve'), ('mllp', 'clinical'))
    """
    door = {"mllp": "mllp", "clinical": "clinical", "generate": "generation"}
    return (*(role for role, table in door.items() if table in config.model_fields_set), *ROLES)


def _require_schedule(config: Config) -> None:
    """Raise `ConfigError` before anything is started; the configuration itself does not know the scheduler."""
    from consumers.schedule import nightly_trigger

    if config.rounds.nightly:
        nightly_trigger(config.rounds.nightly)


def _metrics_port(config: Config, role: str, number: int) -> dict[str, str]:
    """Scorers share this host, so each has a port of its own."""
    port = config.metrics.port
    return {"CCIT_METRICS__PORT": str(port + number)} if port and role == "score" else {}
