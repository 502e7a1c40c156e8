from pathlib import Path

import pytest

from ccit.config import Models
from ccit.models.bases import BaseModels
from ccit.testing import random_model


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> BaseModels:
    folder: Path = random_model(tmp_path_factory.mktemp("models") / "deployed", hidden=32)
    return BaseModels(Models(deployed=str(folder), proxy=str(folder), device="cpu", threads=1))
