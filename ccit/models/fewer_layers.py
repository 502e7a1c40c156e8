"""A smaller proxy out of a model: a copy with some of its layers, written once to the cache."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from ccit.errors import ConfigError
from ccit.models.revision import revision_of
from ccit.models.sealed_folder import sealed_folder

_SHARE_BEFORE = 0.6  # of the kept layers, those before the gap
_RECIPE = 1  # raise it when the copy of the same model and layers gets other files


def fewer_layers(source: Path, kept: Sequence[int], cache: Path) -> Path:
    """The folder of a copy that has only these layers of the model, in this order; built the first time.

    Parameters
    ----------
    source : Path
        Folder of a causal language model.
    kept : Sequence[int]
        Numbers of the layers, 0 the first.
    cache : Path
        Folder of such copies.

    Raises
    ------
    ConfigError
        The model has no such layer.
    StorageFailed
        The cache cannot be written.

    Example
    -------
    >>> import tempfile
    >>> from ccit.testing import random_model
    >>> root = Path(tempfile.mkdtemp())
    >>> fewer_layers(random_model(root / "model", layers=3), [0, 2], root).name
    'model-2-layers'
    """
    total = layer_count(source)
    if not kept or not all(0 <= number < total for number in kept):
        raise ConfigError(f"expected some of the layers 0 to {total - 1} of {source.name}, found {list(kept)}")

    def build(folder: Path) -> dict[str, Any]:
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # not annotated there
        model: Any = AutoModelForCausalLM.from_pretrained(source, dtype="auto", local_files_only=True)
        decoder = model.get_decoder()
        decoder.layers = torch.nn.ModuleList(decoder.layers[number] for number in kept)
        config = model.config
        config.num_hidden_layers = len(kept)
        if getattr(config, "layer_types", None):
            config.layer_types = [config.layer_types[number] for number in kept]
        model.save_pretrained(folder)
        AutoTokenizer.from_pretrained(source, local_files_only=True).save_pretrained(folder)
        return {}

    facts = {"source": revision_of(str(source), ""), "kept": list(kept), "recipe": _RECIPE}
    return sealed_folder(cache / f"{source.name}-{len(kept)}-layers", facts, build)


def layers_to_keep(source: Path, count: int) -> list[int]:
    """Which layers a copy with so many keeps: the first and the last of them, without a block in between.

    Measured on SmolLM2 (benchmarks/proxies.py): copies with the first layers alone, or evenly spaced ones, agree with
    the whole model less.

    Raises
    ------
    ConfigError
        The model has fewer layers.
    """
    total = layer_count(source)
    if not 2 <= count <= total:
        raise ConfigError(f"expected 2 to {total} layers of {source.name}, found {count}")
    first = round(count * _SHARE_BEFORE)
    return [*range(first), *range(total - count + first, total)]


def layer_count(source: Path) -> int:
    """How many layers the model in a folder has."""
    return int(AutoConfig.from_pretrained(source, local_files_only=True).num_hidden_layers)
