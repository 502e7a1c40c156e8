"""What the training process answers when something in it fails."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import PropertyMock, patch

import pytest

from ccit.config import Config
from ccit.errors import ModelUnusable
from ccit.models.bases import BaseModels
from ccit.training.messages import BatchChosen, EvaluateJob, Failed, Reply, Setup, TrainJob
from ccit.training.worker import Worker
from tests.unit.training.test_lora_resumed import Killed, killer
from tests.unit.training.tiny_rounds import TinyRounds


@pytest.mark.parametrize(
    ("raised", "answer"),
    [
        (
            ValueError("Target modules {'x'}\n not found"),
            Failed(
                "TrainingFailed",
                "evaluation failed in a library: ValueError: Target modules {'x'} not found",
                worn=True,
            ),
        ),
        (
            RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
            Failed(
                "MemoryExhausted",
                "evaluation needs more memory than there is: RuntimeError: CUDA out of memory. Tried to allocate 2 GiB",
                worn=True,
            ),
        ),
        (ModelUnusable("it has no chat template"), Failed("ModelUnusable", "it has no chat template")),
    ],
    ids=["a library", "memory", "ccit"],
)
def test_every_error_arrives_whole(raised: Exception, answer: Reply, tmp_path: Path) -> None:
    sent: list[Reply] = []
    worker = Worker(Setup.of(Config.model_validate({"store": {"root": str(tmp_path)}})), sent.append)
    with patch.object(BaseModels, "deployed", new_callable=PropertyMock, side_effect=raised):
        worker.run(EvaluateJob(None, {}, ()))
    assert sent == [answer]


def worker_of(config: Config, batch_tokens: int | str) -> tuple[Worker, list[Reply]]:
    """One that has its setup, and what it sends."""
    training = config.training.model_copy(update={"batch_tokens": batch_tokens})
    sent: list[Reply] = []
    return Worker(Setup.of(config.model_copy(update={"training": training})), sent.append), sent


@pytest.mark.parametrize(("asked", "told"), [("auto", [BatchChosen(512)]), (512, [])])
def test_an_evaluation_is_told_what_was_chosen(config: Config, asked: int | str, told: list[Reply]) -> None:
    worker, sent = worker_of(config, asked)
    assert sent == []
    worker.run(EvaluateJob(None, {}, ()))
    assert [reply for reply in sent if isinstance(reply, BatchChosen)] == told == sent[: len(told)]


@pytest.mark.trains
def test_a_round_that_is_taken_up_is_told_with_its_own_size(
    rounds: TinyRounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is what does not fit, where memory lacks, and not what this child would choose now."""
    auto = rounds.settings(batch_tokens="auto")
    with pytest.raises(Killed):
        rounds.train(rounds.config.store.root, settings=auto, progress=killer("train proxy", 5))
    monkeypatch.setattr("ccit.models.batch_choice.free_memory", lambda: 0)
    worker, sent = worker_of(rounds.config, "auto")
    worker.run(TrainJob(*rounds.job()))
    worker.run(EvaluateJob(None, {}, ()))
    assert [reply for reply in sent if isinstance(reply, BatchChosen)] == [BatchChosen(512), BatchChosen(64)]


def test_memory_that_lacks_while_choosing_is_the_answer_to_a_training(
    rounds: TinyRounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lack() -> int:
        raise MemoryError

    monkeypatch.setattr("ccit.models.batch_choice.free_memory", lack)
    worker, sent = worker_of(rounds.config, "auto")
    worker.run(TrainJob(*rounds.job()))
    (failed,) = sent
    assert isinstance(failed, Failed)
    assert (failed.error, failed.worn) == ("MemoryExhausted", True)
