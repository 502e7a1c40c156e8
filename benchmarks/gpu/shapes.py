"""Models of real shapes with random weights, made on the device: speed does not depend on what the weights say."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from ccit.models.causal import CausalModel, adapter_files, trainable
from ccit.models.encoding import Encoded
from ccit.records import Sample
from ccit.testing import byte_tokenizer

LAYERS, WIDTH, INNER, HEADS, KEPT, WORDS = range(6)
SHAPES = {  # layers, hidden, intermediate, heads, heads of keys and values, words
    "0.5B": (24, 896, 4864, 14, 2, 151936),  # Qwen2.5-0.5B-Instruct
    "14B": (48, 5120, 13824, 40, 8, 152064),  # Qwen2.5-14B-Instruct
    "small": (4, 256, 1024, 4, 2, 512),  # heads of 64: the fused attention kernels take them
    "tiny": (2, 64, 128, 4, 2, 512),  # for rehearsing on a CPU
}


@dataclass(frozen=True, slots=True)
class Shape:
    """A model, and what its parts cost."""

    causal: CausalModel
    blocks: int
    head: int
    layers: int
    width: int

    def forward_flops(self, rows: list[Encoded]) -> float:
        """Of one pass over these rows: 2 per weight and token, the head on response tokens only, causal attention."""
        fed = sum(len(row.fed) for row in rows)
        answered = sum(row.response_tokens for row in rows)
        attention = sum(2.0 * len(row.fed) ** 2 * self.width * self.layers for row in rows)  # 4 l^2 d, half of it seen
        return 2.0 * self.blocks * fed + 2.0 * self.head * answered + attention


def shape_of(name: str, device: str) -> Shape:
    """Made on the device, in bfloat16 there and float32 on a CPU."""
    chosen = SHAPES[name if device != "cpu" or name == "small" else "tiny"]
    tokenizer = byte_tokenizer()
    config = Qwen2Config(
        vocab_size=chosen[WORDS],
        hidden_size=chosen[WIDTH],
        intermediate_size=chosen[INNER],
        num_hidden_layers=chosen[LAYERS],
        num_attention_heads=chosen[HEADS],
        num_key_value_heads=chosen[KEPT],
        max_position_embeddings=32768,
        tie_word_embeddings=name != "14B",
        rope_parameters={"rope_type": "default", "rope_theta": 1e6},
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    place = torch.device(device)
    dtype = torch.bfloat16 if place.type == "cuda" else torch.float32
    torch.manual_seed(0)
    with place:
        model: Any = Qwen2ForCausalLM._from_config(config, dtype=dtype)  # type: ignore[no-untyped-call]  # not annotated
    model.to(place).requires_grad_(False).eval()
    layers = sum(p.numel() for p in model.model.layers.parameters())
    head = chosen[WIDTH] * chosen[WORDS]
    causal = CausalModel(model, tokenizer, place, dtype, layers + head, f"{name} shape")
    return Shape(causal, layers, head, chosen[LAYERS], chosen[WIDTH])


def saved(folder: Path) -> str:
    """A small model as a folder."""
    causal = shape_of("small", "cpu").causal
    causal.model.save_pretrained(folder)
    causal.tokenizer.save_pretrained(folder)
    return str(folder)


def samples(count: int, seed: int = 0) -> list[Sample]:
    """Questions of about 60 tokens and answers of about 200 of a tokenizer by bytes, log-normal, at most 1,000."""
    draw = random.Random(seed)

    def text(median: float) -> str:
        length = min(1000, max(4, round(median * math.exp(0.7 * draw.gauss(0, 1)))))
        return "".join(draw.choice("abcdefghij klmnop") for _ in range(length))

    return [Sample(f"s{n}", f"r{n}", "ward", "en", text(60), text(200)) for n in range(count)]


def adapter(shape: Shape, seed: int) -> dict[str, bytes]:
    """An adapter of rank 16 on every linear layer that changes what the model says."""
    view = trainable(shape.causal, 16, 32, 0.0, "all-linear", seed)
    generator = torch.Generator(shape.causal.device).manual_seed(seed)
    with torch.no_grad():
        for name, weight in view.model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.02, generator=generator)
    return adapter_files(view)
