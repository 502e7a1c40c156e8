"""From a folder of PEFT to the store, and into the first round."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from ccit.cli.import_adapter import import_adapter
from ccit.errors import ModelUnusable
from ccit.models.adapter_format import read_adapter
from ccit.models.causal import load_causal
from ccit.store.files import FileStore
from ccit.testing import random_model
from tests.unit.models.adapters import random_adapter


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model(tmp_path_factory.mktemp("model"), hidden=16, layers=1)


def asked(model: Path, root: Path, folder: Path, *flags: str) -> Result:
    config = root / "ccit.toml"
    config.write_text(
        f'[models]\ndeployed = "{model}"\nproxy = "{model}"\ndevice = "cpu"\nthreads = 1\n'
        f'[training]\nrank = 4\n[store]\nroot = "{root / "store"}"\n'
    )
    return CliRunner().invoke(import_adapter, [str(folder), "--config", str(config), *flags])


def test_the_name_that_it_prints_is_that_of_the_adapter_in_the_store(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    files = random_adapter(load_causal(str(model), device="cpu"), 2, ["q_proj"], seed=1)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    uri = orjson.loads(asked(model, tmp_path, folder, "--json").output)["uri"]
    assert f'training.start = "{uri}"' in asked(model, tmp_path, folder).output
    store = FileStore(tmp_path / "store")
    shape, _ = read_adapter(store.read(store.find(uri)))
    assert (shape.rank, shape.alpha) == (4, 32)
    assert len(shape.target_modules) == 7  # all of the model's, as the settings ask


def test_a_folder_without_an_adapter_is_one_sentence(model: Path, tmp_path: Path) -> None:
    result = asked(model, tmp_path, tmp_path)
    assert isinstance(result.exception, ModelUnusable)
    assert "expected adapter_config.json" in str(result.exception)
