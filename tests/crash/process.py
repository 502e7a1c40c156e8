"""One consumer over stub ports, in a process of its own that can be killed.

    python -m tests.crash.process score CONFIG.toml NAME

`train-lora` is the trainer without stubs, and dies with its training process; `train-lora-survives` outlives it.

With `CCIT_CRASH_FREEZE` set, it stops by SIGSTOP at its failpoint instead of dying, and its transactions time out soon.

What a user's `ccit score` does around the consumer is done here too: signals, exit codes, one sentence on stderr.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Protocol
from unittest.mock import patch

from ccit.cli.run import stop_on_signals
from ccit.config import Config, load_config
from ccit.errors import CcitError
from ccit.failpoints import Armed
from consumers.kafka import clients

PACE_VARIABLE = "CCIT_CRASH_PACE_S"
FREEZE_VARIABLE = "CCIT_CRASH_FREEZE"
FROZEN = "frozen here"
_SHORT_TRANSACTION_MS = 3000  # the product's 20 s would be waited for in a test
BEGINS = "the work begins"
"""Said once signals are obeyed and before anything is read: an earlier end is the end of a process that starts."""

_PR_SET_PDEATHSIG = 1  # prctl(2): a harness that is killed leaves nothing running


class Consumer(Protocol):
    """What they have in common."""

    def run(self) -> None: ...

    def stop(self) -> None: ...


def consumer(role: str, config: Config, instance: str, pace_s: float) -> Consumer:
    """The real consumer of a role; imports what that role needs."""
    if role == "ingest":
        from consumers.ingest import ingest_loop

        return ingest_loop(config, instance)
    if role == "train":
        from consumers.train import TrainConsumer
        from tests.crash.parts import stub_trainer_parts

        return TrainConsumer(config, stub_trainer_parts(config, pace_s), instance)
    if role.startswith("train-lora"):
        return _lora_trainer(config, instance, cut_with_child=role == "train-lora")
    return _Scorer(config, instance, pace_s)


def _lora_trainer(config: Config, instance: str, *, cut_with_child: bool) -> Consumer:
    """Nothing is a stub: the training process, LoRA by transformers and peft, the evaluator."""
    from ccit.assembly.training import trainer_parts
    from consumers.train import TrainConsumer
    from tests.crash.power import PowerCut

    parts = trainer_parts(config)
    return TrainConsumer(config, replace(parts, trainer=PowerCut(parts.trainer)) if cut_with_child else parts, instance)


def _freeze(_: Armed) -> None:
    """Stand still, as a virtual machine that is paused."""
    os.write(2, f"{FROZEN}\n".encode())
    os.kill(os.getpid(), signal.SIGSTOP)


class _Scorer:
    def __init__(self, config: Config, instance: str, pace_s: float) -> None:
        from consumers.score import ScoreConsumer
        from tests.crash.mirror import mirror
        from tests.crash.parts import stub_scoring

        self._consumer = ScoreConsumer(config, stub_scoring(config, pace_s, mirror), instance)
        self.run = self._consumer.run
        self.stop = self._consumer.loop.stop


def main() -> int:
    """Run until stopped; the exit code that `ccit` would give."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    role, config_path, instance = sys.argv[1:]
    if os.environ.get(FREEZE_VARIABLE):
        patch.object(Armed, "_strike", _freeze).start()
        patch.object(clients, "TRANSACTION_TIMEOUT_MS", _SHORT_TRANSACTION_MS).start()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
    try:
        config = load_config(Path(config_path))
        one = consumer(role, config, instance, float(os.environ.get(PACE_VARIABLE, "0")))
        stop_on_signals(one.stop)
        logging.getLogger("tests.crash").info(BEGINS)
        one.run()
    except CcitError as error:
        sys.stderr.write(f"ccit: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
