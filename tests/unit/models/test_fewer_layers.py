from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ccit.errors import ConfigError
from ccit.models.causal import load_causal
from ccit.models.fewer_layers import fewer_layers, layer_count, layers_to_keep
from ccit.testing import random_model


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model(tmp_path_factory.mktemp("models") / "ward", layers=5)


def test_the_copy_has_the_layers_asked_for_and_all_else_alike(source: Path, tmp_path: Path) -> None:
    folder = fewer_layers(source, [0, 3, 4], tmp_path)
    whole, copy = load_causal(str(source), device="cpu"), load_causal(str(folder), device="cpu")
    assert layer_count(folder) == copy.model.config.num_hidden_layers == 3
    blocks, kept = whole.model.get_decoder().layers, copy.model.get_decoder().layers
    for number, block in zip([0, 3, 4], kept, strict=True):
        for mine, own in zip(block.parameters(), blocks[number].parameters(), strict=True):
            assert torch.equal(mine, own)
    assert torch.equal(copy.model.get_input_embeddings().weight, whole.model.get_input_embeddings().weight)
    prompt = [{"role": "user", "content": "Hi"}]
    assert copy.chat.prompt(prompt) == whole.chat.prompt(prompt)
    ids = torch.tensor([whole.chat.prompt(prompt)])
    with torch.inference_mode():
        whole.model.get_decoder().layers = torch.nn.ModuleList(blocks[n] for n in (0, 3, 4))
        assert torch.allclose(copy.model(ids).logits, whole.model(ids, use_cache=False).logits, atol=1e-4)


def test_it_is_built_once(source: Path, tmp_path: Path) -> None:
    folder = fewer_layers(source, [0, 4], tmp_path)
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert fewer_layers(source, [0, 4], tmp_path) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before
    fewer_layers(source, [0, 1], tmp_path)
    assert (folder / "model.safetensors").stat().st_mtime_ns != before


def test_the_first_and_the_last_are_kept(source: Path) -> None:
    assert layers_to_keep(source, 3) == [0, 1, 4]
    assert layers_to_keep(source, 5) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kept", [[], [5], [-1]])
def test_layers_that_are_not_there_are_refused(source: Path, tmp_path: Path, kept: list[int]) -> None:
    with pytest.raises(ConfigError, match="layers 0 to 4 of ward"):
        fewer_layers(source, kept, tmp_path)
    with pytest.raises(ConfigError, match="2 to 5 layers of ward"):
        layers_to_keep(source, 6)
