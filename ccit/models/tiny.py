"""The tiny pair: a deployed model and its smaller proxy, built and pre-trained here, so that nothing is downloaded.

Both are Qwen2 models with one byte-level BPE tokenizer and a ChatML template, pre-trained on the simulated hospital's
general text until they speak its language; they know the names of its conditions and not one fact about them. Saved as
ordinary Hugging Face directories.

The cache is keyed by everything that went in (specification, corpus, seed); the folder appears whole
(`ccit/models/sealed_folder.py`).
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tokenizers import pre_tokenizers, trainers
from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen2Tokenizer

from ccit.models.pretraining import PretrainingSchedule, TokenizedRow, pretrain
from ccit.models.sealed_folder import sealed_folder
from ccit.simulation import CorpusExchange, pretraining_exchanges

PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_ANSWER_OPENING = f"{START}assistant\n"
_RECIPE = 2  # raise it when the code below changes what a build gives for the same specification


@dataclass(frozen=True)
class ModelSpec:
    """Shape and schooling of one model; `exchanges` is how much of the corpus it reads, once."""

    hidden: int
    layers: int
    heads: int
    intermediate: int
    exchanges: int
    schedule: PretrainingSchedule = field(default_factory=PretrainingSchedule)


@dataclass(frozen=True)
class TinySpec:
    """What a pair is built from. The defaults take about a minute on two cores."""

    # Wide and shallow, with small batches: at equal tokens 4 layers of 128 in batches of 2048 knew 28% of the general
    # suite where this shape knew 94%.
    deployed: ModelSpec = ModelSpec(hidden=192, layers=2, heads=4, intermediate=512, exchanges=16_000)
    proxy: ModelSpec = ModelSpec(
        hidden=128, layers=2, heads=4, intermediate=320, exchanges=12_000, schedule=PretrainingSchedule(peak_lr=4e-3)
    )
    vocabulary: int = 1200


@dataclass(frozen=True)
class TinyPair:
    """Directories of the two models."""

    deployed: Path
    proxy: Path


Progress = Callable[[str, int, int], None]


def _messages(exchange: CorpusExchange) -> str:
    question = "\n".join(part for part in (exchange.question, exchange.context) if part)
    return f"{START}user\n{question}{END}\n" if question else ""


def build_tokenizer(texts: Sequence[str], vocabulary: int) -> Qwen2Tokenizer:
    """Train a byte-level BPE tokenizer on `texts`, with Qwen2's splitting rules; any Unicode text can be encoded.

    The class matters: `AutoTokenizer` loads the tokenizer of a Qwen2 model as `Qwen2Tokenizer` whatever class saved it,
    with that class's splitting rules, and would silently encode otherwise than the model was trained.
    """
    trained = Qwen2Tokenizer().backend_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, START, END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    trained.train_from_iterator(texts, trainer)
    bpe = json.loads(trained.to_str())["model"]
    merges: Any = [tuple(pair) for pair in bpe["merges"]]  # annotated as list[str], read by the library as pairs
    tokenizer = Qwen2Tokenizer(
        vocab=bpe["vocab"],
        merges=merges,
        unk_token=PAD,
        eos_token=END,
        pad_token=PAD,
        extra_special_tokens=[START],
        model_max_length=1024,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def _tokenized(exchanges: Sequence[CorpusExchange], tokenizer: Qwen2Tokenizer) -> list[TokenizedRow]:
    prompts = [_messages(e) + _ANSWER_OPENING for e in exchanges]
    answers = [e.answer + END for e in exchanges]
    prompt_ids = tokenizer(prompts, add_special_tokens=False)["input_ids"]
    answer_ids = tokenizer(answers, add_special_tokens=False)["input_ids"]
    return [TokenizedRow((*p, *a), len(p)) for p, a in zip(prompt_ids, answer_ids, strict=True)]


def _new_model(spec: ModelSpec, tokenizer: Qwen2Tokenizer, seed: int) -> Qwen2ForCausalLM:
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=spec.hidden,
        num_hidden_layers=spec.layers,
        num_attention_heads=spec.heads,
        num_key_value_heads=max(1, spec.heads // 2),
        intermediate_size=spec.intermediate,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Qwen2ForCausalLM(config)


def _build(
    directory: Path, spec: TinySpec, corpus: list[CorpusExchange], seed: int, device: torch.device, progress: Progress
) -> dict[str, float]:
    progress("tokenizer", 0, 1)
    tokenizer = build_tokenizer([_messages(e) + e.answer for e in corpus[:6000]], spec.vocabulary)
    progress("tokenizer", 1, 1)
    rows = _tokenized(corpus, tokenizer)
    losses: dict[str, float] = {}
    for offset, (name, model_spec) in enumerate((("deployed", spec.deployed), ("proxy", spec.proxy))):
        model = _new_model(model_spec, tokenizer, seed + offset)
        losses[name] = pretrain(
            model,
            rows[: model_spec.exchanges],
            model_spec.schedule,
            pad=int(tokenizer.pad_token_id),
            seed=seed + offset,
            device=device,
            progress=partial(progress, f"pre-training the {name} model"),
        )
        model.save_pretrained(directory / name)
        tokenizer.save_pretrained(directory / name)
    return losses


def tiny_pair(
    cache: Path, seed: int, progress: Progress, *, spec: TinySpec | None = None, device: str = "auto"
) -> TinyPair:
    """Give the pair from the cache, building and pre-training it first where needed.

    Parameters
    ----------
    cache : Path
        A directory; created if missing.
    seed : int
        Decides corpus order and initial weights; same seed, same bytes on the same machine.
    progress : callable
        Called with stage, done and total. Not called when the cache has the pair.
    spec : TinySpec, optional
        Sizes and schooling.
    device : str
        `auto` (CUDA where there is one), `cpu` or `cuda`.

    Raises
    ------
    StorageFailed
        The cache cannot be written.
    """
    spec = spec or TinySpec()
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    corpus = pretraining_exchanges(max(spec.deployed.exchanges, spec.proxy.exchanges), seed)
    facts = {"recipe": _RECIPE, "spec": asdict(spec), "seed": seed, "template": CHAT_TEMPLATE}
    ingredients = json.dumps([facts, [asdict(e) for e in corpus]])
    final = cache / f"tiny-{hashlib.sha256(ingredients.encode()).hexdigest()[:16]}"
    place = torch.device(device)
    sealed_folder(final, facts, lambda folder: _build(folder, spec, corpus, seed, place, progress))
    return TinyPair(final / "deployed", final / "proxy")
