"""A GGUF file as an ordinary model folder: weights in float32 safetensors, tokenizer and chat template beside them."""

from __future__ import annotations

import io
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from ccit.errors import ModelUnusable


def convert_gguf(file: Path, folder: Path) -> None:
    """Write the model of a GGUF file to `folder`; its digest must have been checked before.

    Quantised weights come out as the float32 numbers that they stand for.

    Raises
    ------
    ModelUnusable
        transformers cannot read it as a causal language model.
    """
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # ccit draws its own
    source = {"gguf_file": file.name, "local_files_only": True, "trust_remote_code": False}
    try:
        with redirect_stderr(io.StringIO()):  # the loader draws a bar that nothing turns off
            model: Any = AutoModelForCausalLM.from_pretrained(str(file.parent), dtype=torch.float32, **source)
            tokenizer = AutoTokenizer.from_pretrained(str(file.parent), **source)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        first = str(error).strip().partition("\n")[0]
        raise ModelUnusable(f"{file.name} cannot be read as a causal language model: {first}") from error
    # The weights are dequantised; transformers refuses to save a model that still claims otherwise.
    model.hf_quantizer = None
    model.config.__dict__.pop("quantization_config", None)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
