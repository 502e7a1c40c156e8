from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import torch

from ccit.testing import random_model

Write = Callable[..., Path]


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What makes a cell a matter of a second: models without knowledge, few questions, no check."""
    root = tmp_path_factory.mktemp("models")
    deployed, proxy = random_model(root / "deployed", hidden=32), random_model(root / "proxy", hidden=16, seed=1)
    checks = ("agreement", "attribution", "completeness", "diversity", "ifd", "language", "length", "near_copies")
    return {
        "models": {"deployed": str(deployed), "proxy": str(proxy), "device": "cpu", "threads": 1},
        "kafka": {"batch_size": 16},
        "selection": {"audit_share": 0.0, "checks": dict.fromkeys([*checks, "novelty"], False)},
        "rounds": {"min_size": 10},
        "training": {"rank": 2, "alpha": 4, "epochs": 1, "max_tokens": 64},
        "evaluation": {"max_questions": 56},
    }


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the file of an experiment."""

    def written(**tables: Any) -> Path:
        path = tmp_path / "grid.toml"
        path.write_text(tomli_w.dumps(tables), "utf-8")
        return path

    return written
