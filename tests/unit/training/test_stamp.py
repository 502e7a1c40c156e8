from __future__ import annotations

import json

import torch

from ccit.config import Config
from ccit.models.bases import BaseModels
from ccit.training.batch_record import BatchSizes
from ccit.training.stamp import STAMP_FILE, sizes_before, stamp_of


def test_it_says_what_was_found_and_what_was_chosen(config: Config, bases: BaseModels) -> None:
    made = stamp_of(bases.deployed, config.training, BatchSizes(256), "deployed")
    said = json.loads(made)
    assert (said["dtype"], said["threads"], said["batcher"]) == ("float32", torch.get_num_threads(), "bucketed")
    assert said["batch_tokens"] == 256
    assert said["device"].startswith("cpu ")
    assert f"torch {torch.__version__}".partition("+")[0] in said["libraries"]
    assert stamp_of(bases.deployed, config.training, BatchSizes(256), "deployed") == made


def test_it_says_what_its_own_adapter_had_before(config: Config, bases: BaseModels) -> None:
    sizes = BatchSizes(256, {"deployed": (1024, 512)})
    for role, before in (("deployed", (1024, 512)), ("proxy", ())):
        assert sizes_before({STAMP_FILE: stamp_of(bases.deployed, config.training, sizes, role)}) == before
