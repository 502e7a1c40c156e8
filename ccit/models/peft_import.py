"""A LoRA adapter as any tool of PEFT's family writes it, in the one form that is trained and served here.

What such folders have that plain LoRA (`ccit/models/adapter_format.py`) has not: ranks and scales of single layers,
rsLoRA's scale (Kalajdzievski 2023, arXiv 2312.03732), layers that are left out, names with another prefix. All of it
is the same update B A in other words, so it is put into one rank and one scale, exactly:

    alpha / rank * B' A' = scale_i * B_i A_i,     A' = [A_i; fresh rows],   B' = [scale_i * rank / alpha * B_i, zeros]

The fresh rows add nothing and can learn. What would be another update (DoRA, trained biases, embeddings or heads, base
weights that an initialisation has changed) is refused, not dropped.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft.utils.other import get_pattern_key

from ccit.errors import ModelUnusable
from ccit.models.adapter_format import (
    CONFIG_FILE,
    KEY_PREFIX,
    WEIGHTS_FILE,
    LoraShape,
    Tensors,
    foreign_settings,
    parse_config,
    parse_weights,
    read_adapter,
    write_adapter,
)
from ccit.models.causal import CausalModel, adapter_files, trainable

logger = logging.getLogger("ccit.models")

_SAME_UPDATE = {
    *("rank_pattern", "alpha_pattern", "use_rslora"),
    *("exclude_modules", "layers_to_transform", "layers_pattern"),  # the weights' own names say it
    *("fan_in_fan_out", "eva_config"),  # how the base layer keeps its weight; how A was begun
}
_KEEPS_THE_BASE = (None, True, False, "gaussian", "eva", "orthogonal")  # PiSSA, OLoRA, CorDA, LoftQ change its weights
_NAME = re.compile(r"(?P<path>.+)\.lora_(?P<factor>[AB])(\.[\w-]+)?\.weight")  # older files name the adapter too


@dataclass(frozen=True, slots=True)
class _Update:
    """One layer's: A (rank, in), B (out, rank), and what multiplies B A."""

    a: torch.Tensor
    b: torch.Tensor
    scale: float


def adapter_folder(folder: Path) -> dict[str, bytes]:
    """The two files of an adapter's folder.

    Raises
    ------
    ModelUnusable
        One is not there, or cannot be read.
    """
    try:
        return {name: (folder / name).read_bytes() for name in (CONFIG_FILE, WEIGHTS_FILE)}
    except OSError as error:
        raise ModelUnusable(
            f"expected {CONFIG_FILE} and {WEIGHTS_FILE} in {folder} ({error.strerror or error}); save the adapter with "
            "`save_pretrained` of a PEFT model: pickled weights (adapter_model.bin) are never read"
        ) from error


def plain_adapter(files: Mapping[str, bytes], base: CausalModel, shape: LoraShape, seed: int = 0) -> dict[str, bytes]:
    """The files of the same adapter as plain LoRA of a given shape.

    Parameters
    ----------
    files : Mapping[str, bytes]
        `adapter_config.json` and `adapter_model.safetensors`, of any version of PEFT.
    base : CausalModel
        The model that it belongs to.
    shape : LoraShape
        What training and serving are configured for; its rank is no smaller than any of the adapter's.
    seed : int
        Of the fresh rows of A.

    Raises
    ------
    ModelUnusable
        It is no LoRA, does more than add B A to linear layers, belongs to another model, or is not finite.

    Notes
    -----
    Where the names of the two models differ and may yet be one model's, that is logged as a warning.
    """
    config = _config(files[CONFIG_FILE])
    _check_base(config.get("base_model_name_or_path"), base.name)
    updates = dict(_updates(config, parse_weights(files[WEIGHTS_FILE])))
    view = trainable(base, shape.rank, shape.alpha, 0.0, shape.target_modules, seed)
    weights = read_adapter(adapter_files(view))[1]
    for path, update in updates.items():
        rank = len(update.a)
        a, b = weights.get(f"{path}.lora_A.weight"), weights.get(f"{path}.lora_B.weight")
        if a is None or b is None:
            raise ModelUnusable(
                f"the adapter changes {path}, which is no layer of {base.name} that training.target_modules names "
                f"({', '.join(shape.target_modules)}); add it there, or use the model that the adapter was made for"
            )
        if rank > shape.rank:
            raise ModelUnusable(f"the adapter has rank {rank} in {path}; set training.rank to at least {rank}")
        if (rank, a.shape[1]) != tuple(update.a.shape) or (len(b), rank) != tuple(update.b.shape):
            raise ModelUnusable(
                f"the adapter's weights of {path} are {tuple(update.a.shape)} and {tuple(update.b.shape)}, which do "
                f"not fit {base.name}; use the model that it was made for"
            )
        a[:rank] = update.a
        b[:, :rank] = update.b * (update.scale * shape.rank / shape.alpha)
    return write_adapter(shape, weights, base.name)


def _config(text: bytes) -> Mapping[str, Any]:
    config = parse_config(text)
    for key, value in foreign_settings(config, _SAME_UPDATE):
        raise ModelUnusable(
            f"{CONFIG_FILE} sets {key} = {value!r}, which is more than a low-rank update of linear layers; merge "
            "the adapter into its model and use that as models.deployed"
        )
    if config.get("init_lora_weights") not in _KEEPS_THE_BASE:
        raise ModelUnusable(
            f"the adapter was begun with init_lora_weights = {config['init_lora_weights']!r}, which changes the base "
            "model's weights too; convert it to plain LoRA first (`path_initial_model_for_weight_conversion` of PEFT)"
        )
    for key in ("rank_pattern", "alpha_pattern"):
        if not isinstance(config.get(key) or {}, dict):
            raise ModelUnusable(f"{CONFIG_FILE}: {key} must be an object, found {config[key]!r}")
    return config


def _check_base(named: object, ours: str) -> None:
    """Raise where the adapter was certainly made for another model.

    A folder is called anything, and a model has copies under other owners; but an owner gives two models two names.
    """
    if not isinstance(named, str) or not named:
        return
    owner, _, own = named.replace("\\", "/").rstrip("/").casefold().rpartition("/")
    our_owner, _, our_own = ours.casefold().rpartition("/")
    if own == our_own:
        return
    if owner and owner == our_owner:
        raise ModelUnusable(
            f"{CONFIG_FILE} says that the adapter was made for {named}, but models.deployed is {ours}; set it to the "
            "adapter's model, or train the adapter again on this one"
        )
    logger.warning(
        "%s says that the adapter was made for %s, and models.deployed is %s: names alone do not tell whether that is "
        "the same model; go on only if it is",
        CONFIG_FILE,
        named,
        ours,
    )


def _updates(config: Mapping[str, Any], tensors: Tensors) -> Iterator[tuple[str, _Update]]:
    factors: dict[str, Tensors] = {}
    for name, tensor in sorted(tensors.items()):
        found = _NAME.fullmatch(name.removeprefix(KEY_PREFIX).replace("_orig_mod.", ""))
        if found is None or tensor.ndim != 2:
            raise ModelUnusable(f"{WEIGHTS_FILE} holds {name}, which is no matrix A or B of a LoRA layer")
        pair = factors.setdefault(found["path"], {})
        if found["factor"] in pair:
            raise ModelUnusable(
                f"{WEIGHTS_FILE} holds the matrix {found['factor']} of {found['path']} twice, {name} being one of "
                "them; save one adapter alone"
            )
        pair[found["factor"]] = tensor.float()
    if not factors:
        raise ModelUnusable(f"{WEIGHTS_FILE} holds no weights; there is nothing to begin from")
    for path, pair in sorted(factors.items()):
        if pair.keys() != {"A", "B"}:
            raise ModelUnusable(f"{WEIGHTS_FILE} has one of the two matrices of {path}; the file is incomplete")
        yield path, _Update(pair["A"], pair["B"], _scale(config, path, len(pair["A"])))


def _scale(config: Mapping[str, Any], path: str, rank: int) -> float:
    """What PEFT multiplies the layer's B A by."""
    if rank == 0:
        raise ModelUnusable(f"{WEIGHTS_FILE} gives {path} the rank 0, which adds nothing; save the adapter without it")
    ranks, alphas = config.get("rank_pattern") or {}, config.get("alpha_pattern") or {}
    said = ranks.get(get_pattern_key(list(ranks), path), config.get("r"))
    alpha = alphas.get(get_pattern_key(list(alphas), path), config.get("lora_alpha"))
    if said != rank:
        raise ModelUnusable(f"{CONFIG_FILE} gives {path} the rank {said!r}, its weights have {rank}")
    if not isinstance(alpha, int | float) or not math.isfinite(alpha):
        raise ModelUnusable(f"{CONFIG_FILE} gives {path} the alpha {alpha!r}, which is no number")
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
