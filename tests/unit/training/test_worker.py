"""What the training process answers when something in it fails."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import PropertyMock, patch

import pytest

from ccit.config import Config
from ccit.errors import ModelUnusable
from ccit.models.bases import BaseModels
from ccit.training.messages import EvaluateJob, Failed, Reply, Setup
from ccit.training.worker import Worker


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
