"""Things to test with: a tiny random causal language model, made in about a second, with nothing downloaded; the
context of a check, without any model; and what a drift detector sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ccit.plugins import plugins
from ccit.ports.deidentify import Recogniser, RecogniserContext
from ccit.ports.drift import Accepted
from ccit.ports.selection import CheckContext, ProxyScorer
from ccit.ports.vectors import Embedder, Neighbour, Vectors
from ccit.records import Decision, Position, Sample, Score, Spend, Version
from ccit.vectors import quantise

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def random_model(directory: Path, hidden: int = 32, layers: int = 2, seed: int = 0) -> Path:
    """Write a Qwen2 with random weights and a byte-level tokenizer with the ChatML template; returns the directory.

    It speaks nonsense, often broken UTF-8, which is what a test of the machinery wants.

    Parameters
    ----------
    hidden : int
        Width; a multiple of 4 (four heads, two of them for keys and values).
    layers : int
        Transformer blocks.
    seed : int
        Of the weights; the caller's global random state is left as it was.
    """
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # not annotated there
    tokenizer = byte_tokenizer()
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=hidden * 2,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        initializer_range=0.3,  # far from Qwen2's 0.02, so that the argmax varies from token to token
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen2ForCausalLM(config)
    directory.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    return directory


def byte_tokenizer() -> Any:
    """One token per byte and three special tokens of ChatML: any text goes in and comes out unchanged."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*alphabet, *SPECIAL_TOKENS])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    make: Any = PreTrainedTokenizerFast  # its constructor is not annotated
    return make(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>"],
        chat_template=CHATML,
        clean_up_tokenization_spaces=False,
    )


class LetterEmbedder:
    """Counts of the letters a to z: texts of the same letters have the same vector, whatever their order."""

    stamp = "letters"
    dimension = 26
    spent = Spend()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, 26); all equal for a text without a letter."""
        return quantise([[text.lower().count(chr(97 + n)) + 0.01 for n in range(26)] for text in texts])


class FixedProxy:
    """A proxy scorer without a model: every IFD is `value`."""

    metric = "ifd"
    spent = Spend()

    def __init__(self, value: float = 0.8) -> None:
        self.version = 0
        self._value = value

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        """One `ifd` per sample."""
        return [(Score("ifd", self._value, f"fixed version={self.version}"),) for _ in samples]

    def activate(self, version: Version) -> None:
        """The number alone moves."""
        self.version = version.number


class _NoNeighbours:
    def search(self, vectors: Vectors, k: int, space: str = "sample") -> list[tuple[Neighbour, ...]]:
        return [()] * len(vectors)

    def at(self, positions: Sequence[Position], space: str) -> Vectors:
        raise KeyError(positions[0])


def check_context(embedder: Embedder | None = None, proxy: ProxyScorer | None = None) -> CheckContext:
    """What a check needs, with nothing accepted so far: tokens are words, vectors count letters, an IFD is 0.8."""
    fixed = proxy or FixedProxy()
    return CheckContext(
        embedder=embedder or LetterEmbedder(),
        neighbours=_NoNeighbours(),
        proxy=lambda *_: fixed,
        count_tokens=lambda text: len(text.split()),
        tokenizer=lambda: "words",
        seed=0,
    )


def accepted_with(value: float, metric: str = "ifd") -> Accepted:
    """What a drift detector sees of an accepted sample with this score."""
    sample = Sample("s", "r", "ward", "en", "Which dose?", "5 mg.")
    return Accepted(Decision(sample, True, "accepted", (Score(metric, value, "v0"),)))


def recognisers() -> dict[str, Recogniser]:
    """Every recogniser that comes with ccit, with its defaults, by kind."""
    found = {kind: entry for kind, entry in plugins("recogniser").items() if entry.origin == "ccit"}
    return {kind: entry.cls(entry.settings(), RecogniserContext()) for kind, entry in found.items()}
