"""Causal language models: loading one, and views on it with a LoRA adapter that share its weights.

A view (`with_adapter`, `trainable`) is a second tree of modules over the *same* tensors: it costs the adapter's bytes
and a few milliseconds, and the base goes on answering in other threads meanwhile, because nothing of it is written.
That is why versions live side by side here instead of being swapped inside one `PeftModel`: `peft.utils.hotswap`
matches names by substring (`v1` overwrote `v10`) and `load_adapter` on a live model stalls decoding.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, inject_adapter_in_model
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from ccit.errors import ConfigError, ModelUnusable
from ccit.models.adapter_format import LoraShape, Tensors, check_fit, read_adapter, write_adapter
from ccit.models.chat import FIXED_DATE, ChatFormat
from ccit.models.head import Head
from ccit.models.hub import where
from ccit.models.lora_layers import lean_layers
from ccit.models.norms import lean_norms
from ccit.models.placement import device_of, dtype_of
from ccit.models.targets import target_names

# PEFT 0.21 asks transformers 5 for an attribute by its old name; nobody who reads this can do anything about it.
warnings.filterwarnings("ignore", message="`is_gradient_checkpointing`", category=FutureWarning)

_ADAPTER = "default"  # each view holds one adapter, so its name can be the same everywhere


@dataclass(frozen=True)
class CausalModel:
    """A loaded model, or a view on one, with what is needed to use it.

    Parameters
    ----------
    model : torch.nn.Module
        A transformers causal language model in evaluation mode.
    tokenizer : Any
        Its tokenizer, with a chat template and a padding token.
    device, dtype
        Of the base weights.
    parameters : int
        N of the 2 N FLOPs per token: what multiplies each token. The input embedding is a lookup and does not count;
        the output head does, tied or not (it is most of a small model's work).
    name : str
        Hub id or the folder's own name, never a path of this machine.
    shape : LoraShape | None
        The adapter of a view; None for a base model.
    day : date
        What a chat template reads that asks for today's date.
    """

    model: Any
    tokenizer: Any
    device: torch.device
    dtype: torch.dtype
    parameters: int
    name: str
    shape: LoraShape | None = None
    day: date = FIXED_DATE

    @cached_property
    def chat(self) -> ChatFormat:
        """From chat text to token ids."""
        return ChatFormat(self.tokenizer, self.day)

    @cached_property
    def head(self) -> Head:
        """From token ids to logits at chosen positions."""
        return Head(self.model, self.device)


def load_causal(
    path: str, revision: str = "", device: str = "auto", dtype: str = "auto", threads: int = 0, day: date = FIXED_DATE
) -> CausalModel:
    """Load a causal language model with its tokenizer, frozen and in evaluation mode.

    Parameters
    ----------
    path : str
        A folder, which is then read without asking any hub, or a hub id.
    revision : str
        Commit, tag or branch on the hub; ignored for a folder.
    device : str
        `auto` (a GPU when there is one), `cpu`, `cuda`, `cuda:1`.
    dtype : str
        `auto` (bfloat16 on a GPU, and on a CPU that is far faster in it), `float32` or `bfloat16`.
    threads : int
        CPU threads of torch in this process; 0 leaves torch's own choice.
    day : date
        What a chat template reads that asks for today's date.

    Raises
    ------
    ModelUnusable
        Not a causal language model in safetensors, incomplete, or without a chat template.

    Example
    -------
    >>> import tempfile
    >>> from ccit.testing import random_model
    >>> base = load_causal(str(random_model(Path(tempfile.mkdtemp()))), device="cpu")
    >>> base.tokenizer.decode(base.chat.prompt([{"role": "user", "content": "Hi"}]))
    '<|im_start|>user\\nHi<|im_end|>\\n<|im_start|>assistant\\n'
    """
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # ccit draws its own
    if threads > 0:
        torch.set_num_threads(threads)
    place = device_of(device)
    source = where(path, revision)
    try:
        width = AutoConfig.from_pretrained(path, trust_remote_code=False, **source).get_text_config().hidden_size
        number = dtype_of(dtype, place, width)
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            path, dtype=number, use_safetensors=True, trust_remote_code=False, output_loading_info=True, **source
        )
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False, **source)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
        raise ModelUnusable(f"{path} cannot be loaded as a causal language model: {_first_line(error)}") from error
    model, info = loaded
    if info["missing_keys"] or info["mismatched_keys"]:
        lacking = sorted(str(key) for key in (info["missing_keys"] or info["mismatched_keys"]))
        raise ModelUnusable(
            f"{path} is not a complete causal language model: {len(lacking)} of its weights are missing or of another "
            f"shape, {lacking[0]} among them"
        )
    if not tokenizer.chat_template:
        raise ModelUnusable(f"{path} has no chat template; use an instruction-tuned model or add chat_template.jinja")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    model.to(place).requires_grad_(False).eval()
    name = Path(path).resolve().name if Path(path).exists() else path
    return CausalModel(model, tokenizer, place, number, _multiplying(model), name, day=day)


def with_adapter(base: CausalModel, files: Mapping[str, bytes]) -> CausalModel:
    """A view on `base` with a LoRA adapter, for inference; shares every tensor of the base.

    Safe while `base` or another view answers in another thread.

    Parameters
    ----------
    files : Mapping[str, bytes]
        `adapter_config.json` and `adapter_model.safetensors`, digests checked by the artifact store.

    Raises
    ------
    ModelUnusable
        The files are no plain LoRA adapter, or do not fit this model layer by layer.
    """
    shape, tensors = read_adapter(files)
    view = _inject(base, shape, {name: tensor.to(base.dtype) for name, tensor in tensors.items()})
    view.model.requires_grad_(False).eval()
    if base.device.type == "cuda":  # a third of the kernels of a layer are PEFT's; on a CPU the gain is not measured
        lean_layers(view.model, _ADAPTER)
    return view


def trainable(
    base: CausalModel,
    rank: int,
    alpha: float,
    dropout: float,
    target_modules: Sequence[str] | str,
    seed: int,
    start: Mapping[str, bytes] | None = None,
) -> CausalModel:
    """A view on `base` whose LoRA weights (float32) want gradients, in training mode; the base stays frozen.

    Parameters
    ----------
    rank, alpha, dropout
        As in `LoraShape`.
    target_modules : Sequence[str] | str
        Names of layers, or `all-linear`; the view's `shape` names those that are adapted.
    seed : int
        Of the fresh weights: A uniform in +-1/sqrt(in), B zero, as in PEFT. No global random state is touched.
    start : Mapping[str, bytes] | None
        Files of an adapter to continue from instead.

    Raises
    ------
    ConfigError
        A target module is no linear layer of this model, or `start` has another rank, alpha or other target modules.
    ModelUnusable
        `start` does not fit this model.
    """
    shape = LoraShape(rank, alpha, target_names(base.model, target_modules, base.name), dropout)
    tensors = None
    if start is not None:
        earlier, tensors = read_adapter(start)
        if replace(earlier, dropout=dropout) != shape:
            raise ConfigError(
                f"training asks for rank {rank}, alpha {alpha} on {', '.join(shape.target_modules)}, but the version "
                f"to continue from has rank {earlier.rank}, alpha {earlier.alpha} on "
                f"{', '.join(earlier.target_modules)}; keep them, or roll back to version 0 first"
            )
        tensors = {name: tensor.to(torch.float32) for name, tensor in tensors.items()}
    view = _inject(base, shape, tensors, seed)
    for name, parameter in view.model.named_parameters():
        parameter.requires_grad_("lora_" in name)
    lean_layers(view.model, _ADAPTER)
    lean_norms(view.model)
    view.model.train()
    return view


def frozen(view: CausalModel, *, adapted: bool = True) -> CausalModel:
    """A view as it is now, for inference, whatever becomes of the weights of the first; shares the base's tensors.

    Parameters
    ----------
    adapted : bool
        False switches the adapter off: it answers as the base.
    """
    parts = (*view.model.named_parameters(), *view.model.named_buffers())
    shared: dict[int, Any] = {id(tensor): tensor for name, tensor in parts if "lora_" not in name}
    tree = copy.deepcopy(view.model, shared)
    for module in tree.modules() if not adapted else ():
        if isinstance(module, BaseTunerLayer):
            module.enable_adapters(enabled=False)
    tree.requires_grad_(False).eval()
    return replace(view, model=tree)


def adapter_files(view: CausalModel) -> dict[str, bytes]:
    """The adapter of a view as files: `adapter_config.json` and `adapter_model.safetensors`, deterministic."""
    if view.shape is None:
        raise ModelUnusable(f"{view.name} is a base model without an adapter to save")
    weights = {
        name.replace(f".{_ADAPTER}.", "."): tensor
        for name, tensor in view.model.state_dict().items()
        if ".lora_A." in name or ".lora_B." in name
    }
    return write_adapter(view.shape, weights, view.name)


def end_tokens(causal: CausalModel) -> frozenset[int]:
    """Ids that end an answer: the generation settings', the chat template's and the tokenizer's."""
    configured = causal.model.generation_config.eos_token_id
    ids = configured if isinstance(configured, list) else [configured]
    return causal.chat.ends.union(i for i in ids if i is not None)


def _inject(base: CausalModel, shape: LoraShape, tensors: Tensors | None, seed: int = 0) -> CausalModel:
    """A new module tree over the base's tensors with LoRA layers; fresh seeded weights where `tensors` is None."""
    shared: dict[int, Any] = {id(tensor): tensor for tensor in (*base.model.parameters(), *base.model.buffers())}
    tree = copy.deepcopy(base.model, shared)
    config = LoraConfig(
        r=shape.rank,
        lora_alpha=shape.alpha,  # type: ignore[arg-type]  # a float works; PEFT annotates int
        lora_dropout=shape.dropout,
        target_modules=list(shape.target_modules),
        task_type="CAUSAL_LM",
        init_lora_weights=False,
    )
    try:
        # The LoRA weights are born on the meta device, without values: no memory, no draw from the global random state.
        inject_adapter_in_model(config, tree, adapter_name=_ADAPTER, low_cpu_mem_usage=True)
        wanted = _lora_shapes(tree)
        weights = _fresh(wanted, seed) if tensors is None else tensors
        check_fit(wanted, weights)
        _place(tree, weights, base.device)
    except (ValueError, KeyError, RuntimeError) as error:
        raise ModelUnusable(f"the adapter does not fit {base.name}: {_first_line(error)}") from error
    return replace(base, model=tree, shape=shape)


def _lora_shapes(tree: Any) -> dict[str, tuple[int, ...]]:
    return {
        name.replace(f".{_ADAPTER}.", "."): tuple(parameter.shape)
        for name, parameter in tree.named_parameters()
        if ".lora_A." in name or ".lora_B." in name
    }


def _place(tree: Any, weights: Tensors, device: torch.device) -> None:
    """Put the weights into the LoRA layers. `peft.set_peft_model_state_dict` takes as long as the injection itself."""
    modules = dict(tree.named_modules())
    for name, weight in weights.items():
        layer = modules[f"{name.removesuffix('.weight')}.{_ADAPTER}"]
        layer.weight = torch.nn.Parameter(weight.to(device), requires_grad=False)


def _fresh(wanted: Mapping[str, tuple[int, ...]], seed: int) -> Tensors:
    """PEFT's initial weights from an explicit generator: A kaiming-uniform with a = sqrt(5), B zero."""
    generator = torch.Generator().manual_seed(seed)
    weights = {name: torch.zeros(shape) for name, shape in sorted(wanted.items())}
    for name, weight in weights.items():
        if name.endswith("lora_A.weight"):
            torch.nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)
    return weights


def _multiplying(model: Any) -> int:
    """Parameters in matrix products: all but the input embedding, and the head even where it is tied to it."""
    table, head = model.get_input_embeddings(), model.get_output_embeddings()
    total = sum(parameter.numel() for parameter in model.parameters()) - table.weight.numel()
    tied = head is not None and head.weight is table.weight
    return int(total + (head.weight.numel() if tied else 0))


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
