"""LoRA adapters as files: `adapter_config.json` and `adapter_model.safetensors`, PEFT's own layout (vLLM reads it too).

The bytes come from the artifact store, which has checked their digests; here they are checked for meaning: only plain
LoRA (Hu et al. 2021, arXiv 2106.09685) is understood, and a setting that would change the result is refused rather
than ignored. Writing is deterministic: sorted keys, no library version, no path of this machine.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as tensor_bytes

from ccit.errors import ModelUnusable

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
KEY_PREFIX = "base_model.model."  # PeftModel wraps twice; every reader of such files expects it

# Keys that say where an adapter comes from and do not change what it computes once its weights are loaded.
_INFORMATION = {
    "auto_mapping",
    "base_model_name_or_path",
    "inference_mode",
    "init_lora_weights",
    "megatron_core",
    "peft_version",
    "qalora_group_size",
    "revision",
    "runtime_config",
    "task_type",
}
_UNDERSTOOD = {"peft_type", "r", "lora_alpha", "lora_dropout", "target_modules"}

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class LoraShape:
    """What an adapter is made of.

    Parameters
    ----------
    rank : int
        Rank of the update.
    alpha : float
        The update is multiplied by `alpha / rank`.
    target_modules : tuple[str, ...]
        Names of the adapted layers, sorted.
    dropout : float
        Dropout on the adapter's input while training, 0 to 1.
    """

    rank: int
    alpha: float
    target_modules: tuple[str, ...]
    dropout: float = 0.0


def read_adapter(files: Mapping[str, bytes]) -> tuple[LoraShape, Tensors]:
    """Parse an adapter's two files; the tensors' names carry no `base_model.model.` prefix.

    Raises
    ------
    ModelUnusable
        A file is missing or malformed, a weight is not finite, or the adapter is not plain LoRA.

    Example
    -------
    >>> files = write_adapter(LoraShape(2, 4, ("q_proj",)), {"q_proj.lora_A.weight": torch.zeros(2, 8)}, "tiny")
    >>> shape, tensors = read_adapter(files)
    >>> shape.rank, list(tensors)
    (2, ['q_proj.lora_A.weight'])
    """
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        if name not in files:
            raise ModelUnusable(f"expected an adapter with the file {name}, found {sorted(files) or 'no file'}")
    config = parse_config(files[CONFIG_FILE])
    for key, value in foreign_settings(config):
        raise ModelUnusable(f"{CONFIG_FILE} sets {key} = {value!r}, but only plain LoRA is served here")
    shape, tensors = _shape(config), parse_weights(files[WEIGHTS_FILE])
    return shape, {name.removeprefix(KEY_PREFIX): tensor for name, tensor in tensors.items()}


def parse_config(text: bytes) -> Mapping[str, Any]:
    """The settings of a LoRA adapter. Raises `ModelUnusable` where they are of anything else."""
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelUnusable(f"{CONFIG_FILE} is not JSON: {error}") from error
    if not isinstance(config, dict):
        raise ModelUnusable(f"{CONFIG_FILE} must be an object, found {type(config).__name__}; save the adapter again")
    if config.get("peft_type") != "LORA":
        raise ModelUnusable(f"{CONFIG_FILE} has the PEFT type {config.get('peft_type')!r}; only LORA is understood")
    return config


def foreign_settings(config: Mapping[str, Any], known: Collection[str] = ()) -> Iterator[tuple[str, Any]]:
    """What is set and may change what the adapter computes, beyond plain LoRA and what is `known` besides."""
    for key, value in config.items():
        if key not in _UNDERSTOOD | _INFORMATION and key not in known and value not in (None, False, 0, "none", [], {}):
            yield key, value


def parse_weights(content: bytes) -> Tensors:
    """The tensors of an adapter by the names in its file. Raises `ModelUnusable`; of numbers that are none too."""
    try:
        tensors = parse_tensors(content)
    except SafetensorError as error:
        raise ModelUnusable(f"{WEIGHTS_FILE} is not a safetensors file: {error}") from error
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise ModelUnusable(f"{WEIGHTS_FILE} holds a number in {name} that is not finite; train the adapter again")
    return tensors


def write_adapter(shape: LoraShape, tensors: Mapping[str, torch.Tensor], base: str) -> dict[str, bytes]:
    """The two files of an adapter; equal weights give equal bytes.

    Parameters
    ----------
    shape : LoraShape
        Goes into `adapter_config.json`.
    tensors : Mapping
        `<module>.lora_A.weight` (rank, in) and `<module>.lora_B.weight` (out, rank).
    base : str
        Name of the base model: a hub id or a folder's own name.
    """
    config = {
        "base_model_name_or_path": base,
        "bias": "none",
        "inference_mode": True,
        "lora_alpha": shape.alpha,
        "lora_dropout": shape.dropout,
        "peft_type": "LORA",
        "r": shape.rank,
        "target_modules": sorted(shape.target_modules),
        "task_type": "CAUSAL_LM",
    }
    weights = {KEY_PREFIX + name: tensors[name].detach().cpu().contiguous() for name in sorted(tensors)}
    return {
        CONFIG_FILE: (json.dumps(config, indent=2, sort_keys=True) + "\n").encode(),
        WEIGHTS_FILE: tensor_bytes(weights, metadata={"format": "pt"}),
    }


def check_fit(wanted: Mapping[str, tuple[int, ...]], weights: Tensors) -> None:
    """Raises ValueError where an adapter's weights are not exactly those that a model wants, by name and shape."""
    differing = sorted(wanted.keys() ^ weights.keys())
    if differing:
        side = "lacks" if differing[0] in wanted else "has the unknown"
        raise ValueError(f"it {side} weight {differing[0]} ({len(differing)} such)")
    for name, shape in wanted.items():
        if tuple(weights[name].shape) != shape:
            raise ValueError(f"{name} has shape {tuple(weights[name].shape)}, the model wants {shape}")


def _shape(config: Mapping[str, Any]) -> LoraShape:
    rank, alpha, targets = config.get("r"), config.get("lora_alpha"), config.get("target_modules")
    dropout = config.get("lora_dropout", 0.0)
    if type(rank) is not int or rank < 1:
        raise ModelUnusable(f"{CONFIG_FILE}: r must be a whole number of at least 1, found {rank!r}")
    if not isinstance(alpha, int | float) or not math.isfinite(alpha) or alpha <= 0:
        raise ModelUnusable(f"{CONFIG_FILE}: lora_alpha must be a positive number, found {alpha!r}")
    if not isinstance(targets, list) or not targets or not all(isinstance(name, str) for name in targets):
        raise ModelUnusable(f"{CONFIG_FILE}: target_modules must be a list of layer names, found {targets!r}")
    if not isinstance(dropout, int | float) or not 0 <= dropout < 1:
        raise ModelUnusable(f"{CONFIG_FILE}: lora_dropout must lie in [0, 1), found {dropout!r}")
    return LoraShape(rank, alpha, tuple(sorted(targets)), dropout)
