from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ccit.config import Config
from ccit.models.bases import BaseModels
from ccit.models.revision import revision_of
from ccit.records import Due, Material, OffsetRange, Round, Sample, Version
from ccit.testing import random_model
from tests.nouns import version
from tests.unit.training.tiny_rounds import TinyRounds


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # of two, one waits for the other whenever the machine has more to do
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def model_folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("models")
    return random_model(root / "deployed", hidden=32), random_model(root / "proxy", hidden=16, seed=1)


@pytest.fixture
def config(model_folders: tuple[Path, Path], tmp_path: Path) -> Config:
    return make_config(model_folders, tmp_path / "store")


def make_config(model_folders: tuple[Path, Path], root: Path) -> Config:
    deployed, proxy = model_folders
    return Config.model_validate(
        {
            "models": {"deployed": str(deployed), "proxy": str(proxy), "device": "cpu", "threads": 1},
            "selection": {"checks": {"length": False}},
            "training": {
                "rank": 4,
                "alpha": 8,
                "learning_rate": 0.01,
                "proxy_learning_rate": 0.01,
                "epochs": 2,
                "batch_tokens": 256,
                "batch_size": 4,
                "max_tokens": 128,
                "checkpoint_steps": 2,
            },
            "evaluation": {"max_new_tokens": 8},
            "store": {"root": str(root)},
        }
    )


@pytest.fixture
def bases(config: Config) -> BaseModels:
    return BaseModels(config.models)


def samples(prefix: str, n: int) -> tuple[Sample, ...]:
    return tuple(
        Sample(f"{prefix}{i}", f"r{i}", "ward", "en", f"What is {prefix} {i}?", f"It is {'very ' * (i % 5)}{i}.")
        for i in range(n)
    )


@pytest.fixture
def material() -> Material:
    return Material(
        samples("new", 8), samples("held-out", 3), {"replay": samples("old", 2), "general": samples("general", 4)}
    )


@pytest.fixture
def base_version(config: Config) -> Version:
    deployed, proxy = config.models.deployed, config.models.proxy
    return replace(
        version(),
        base_model=deployed,
        base_revision=revision_of(deployed, ""),
        proxy_model=proxy,
        proxy_revision=revision_of(proxy, ""),
    )


@pytest.fixture
def plan(base_version: Version, material: Material) -> Callable[[int], Round]:
    def planned(seed: int) -> Round:
        return Round(
            alias="ccit",
            ranges=(OffsetRange(0, 0, 11),),
            sample_ids=tuple(s.sample_id for s in material.training),
            validation_ids=tuple(s.sample_id for s in material.validation),
            sample_digest="",
            parts={name: tuple(s.sample_id for s in part) for name, part in material.parts.items()},
            parent=0,
            base_model=base_version.base_model,
            base_revision=base_version.base_revision,
            proxy_model=base_version.proxy_model,
            proxy_revision=base_version.proxy_revision,
            config_digest="",
            code_digest="",
            seed=seed,
            due=Due("size", ""),
        )

    return planned


@pytest.fixture
def rounds(
    config: Config, bases: BaseModels, plan: Callable[[int], Round], material: Material, base_version: Version
) -> TinyRounds:
    return TinyRounds(config, bases, plan, material, base_version)
