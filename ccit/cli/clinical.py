"""The hospital's door: `ccit mllp` takes messages in, `ccit clinical` identities out, `ccit generate` makes rows."""

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
    Fed by:  ccit mllp
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


@click.command()
@config_file
@instance_option
def generate(config_path: Path | None, instance: str) -> None:
    """Make instruction rows: each document of `documents` becomes rows of `raw`, by templates and by a model.

    Configured by [generation]; with that table `ccit clinical` writes documents for it instead of rows. The model is
    any that speaks OpenAI's API, `ccit serve` among them. It is asked for JSON of a schema, with evidence that must
    stand in the record letter by letter; a reply that breaks a constraint is asked for once more with the fault named,
    and then the document and the prompt are a dead letter. Answers are kept on disk: a process that was killed asks
    for none twice.

    \b
    Fed by:  ccit clinical
    Look:    ccit dead-letters list, ccit status

    A model can be wrong in the words of the record. Read a sample of `raw` before you train on it.
    """
    from consumers.connection import ready_broker
    from consumers.generate import GenerateConsumer
    from consumers.metrics import DeadLetterMetrics, GenerateMetrics, LoopMetrics, exposed

    log_everything()
    config = load(config_path)
    ready_broker(config)
    consumer = GenerateConsumer(config, instance)
    loop = consumer.loop
    stop_on_signals(consumer.stop)
    with exposed(
        config.metrics,
        "generate",
        instance,
        lambda: [LoopMetrics(loop), DeadLetterMetrics(loop), GenerateMetrics(consumer.step)],
    ):
        consumer.run()


@click.command()
@config_file
@instance_option
def mllp(config_path: Path | None, instance: str) -> None:
    """Listen for HL7 v2 over MLLP, publish each message to `clinical`, and acknowledge it once Kafka has it.

    \b
    Original mode:  AA stored; AE mend the message; AR send it again later, or it is no HL7 v2
    Enhanced mode:  CA, CE, CR where MSH-15 asks for them; where only MSH-16 does, AA, AE, AR

    An acknowledged message is in the log of every replica. One without an answer may be there or not: send it again;
    `ccit clinical` knows it by its bytes. A refusal says why in a sentence that never quotes the message.

    Who may connect is said in [mllp]: `allow` lists addresses and networks (this machine alone without it),
    `certificate` and `key` switch TLS on, `client_ca` asks senders for a certificate too. Run it in front of
    `ccit clinical`, which takes the identities out; `ccit up` runs both where [mllp] and [clinical] are configured.

    \b
    Try it:  printf '\\013MSH|^~\\\\&|LAB|NORTH|||2026||ORU^R01|1|P|2.5\\r\\034\\r' | nc -q 1 127.0.0.1 2575
    """
    from consumers.connection import ready_broker
    from consumers.metrics import MllpMetrics, exposed
    from consumers.mllp.listener import Listener

    log_everything()
    config = load(config_path)
    ready_broker(config)
    listener = Listener(config)
    stop_on_signals(listener.stop)
    with exposed(config.metrics, "mllp", instance, lambda: [MllpMetrics(listener)]):
        listener.run()
