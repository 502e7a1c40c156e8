"""`ccit clinical`: the consumer between what names patients and everything else."""

from __future__ import annotations

from pathlib import Path

import click

from ccit.cli.options import config_file, load
from ccit.cli.run import instance_option, log_everything, stop_on_signals


@click.command()
@config_file
@instance_option
def clinical(config_path: Path | None, instance: str) -> None:
    """Take identities out: every document in a message of `clinical` becomes a row of `raw` that names nobody.

    What finds documents is configured by [clinical], what finds identifiers by [deidentify]. What cannot be read, or
    still shows somebody after masking, becomes a dead letter with its place and digest, and nothing of what it holds.
    A message that is sent again gives no second row, and a withdrawn document none.

    \b
    Look:    ccit dead-letters list, ccit status

    Following the rules does not make a text free of identities: read a sample of `raw` before you train on it.
    """
    from consumers.clinical import clinical_loop
    from consumers.connection import ready_broker
    from consumers.metrics import ClinicalMetrics, DeadLetterMetrics, LoopMetrics, exposed

    log_everything()
    config = load(config_path)
    ready_broker(config)
    loop, step = clinical_loop(config, instance)
    stop_on_signals(loop.stop)
    with exposed(
        config.metrics,
        "clinical",
        instance,
        lambda: [LoopMetrics(loop), DeadLetterMetrics(loop), ClinicalMetrics(step)],
    ):
        loop.run()
