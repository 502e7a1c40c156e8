from __future__ import annotations

import json

import torch

from ccit.config import Config
from ccit.models.bases import BaseModels
from ccit.training.stamp import stamp_of


def test_it_says_what_was_found_and_what_was_chosen(config: Config, bases: BaseModels) -> None:
    said = json.loads(stamp_of(bases.deployed, config.training, 256))
    assert (said["dtype"], said["threads"], said["batcher"]) == ("float32", torch.get_num_threads(), "bucketed")
    assert said["batch_tokens"] == 256
    assert said["device"].startswith("cpu ")
    assert f"torch {torch.__version__}".partition("+")[0] in said["libraries"]
    assert stamp_of(bases.deployed, config.training, 256) == stamp_of(bases.deployed, config.training, 256)
