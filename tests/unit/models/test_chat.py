from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateError
from transformers import Qwen2Config, Qwen2ForCausalLM

from ccit.errors import ModelUnusable
from ccit.models.causal import CausalModel, end_tokens
from ccit.models.chat import ChatFormat
from ccit.models.encoding import encode
from ccit.records import Sample, Turn
from ccit.scoring.ifd import IfdScorer
from ccit.store.files import FileStore
from tests.unit.models.families import FAMILIES, MULTI, SINGLE, Family

KINDS = ("bytes", "first", "always")
families = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
kinds = pytest.mark.parametrize("kind", KINDS)


def ids_of(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


@kinds
@families
def test_a_prompt_is_what_the_template_writes(family: Family, kind: str) -> None:
    tokenizer = family.tokenizer(kind)
    chat = ChatFormat(tokenizer)
    briefly = replace(SINGLE, system="Be brief.")
    for sample, text in ((SINGLE, family.single), (MULTI, family.multi), (briefly, family.system)):
        assert chat.prompt(sample.messages()) == ids_of(tokenizer, text)


@kinds
@families
def test_the_direct_pass_is_anchored_on_the_answers_header(family: Family, kind: str) -> None:
    tokenizer = family.tokenizer(kind)
    assert ChatFormat(tokenizer).anchor == ids_of(tokenizer, family.anchor)


@kinds
@families
def test_an_answer_follows_its_prompt_and_ends_as_the_template_ends_it(family: Family, kind: str) -> None:
    """The whole conversation, rendered and encoded at once, is prompt and turn one after the other."""
    tokenizer = family.tokenizer(kind)
    chat = ChatFormat(tokenizer)
    whole = ids_of(tokenizer, family.single + family.lead + SINGLE.response + family.before_end + family.end)
    assert chat.prompt(SINGLE.messages()) + chat.turn(SINGLE.response) == whole
    assert tokenizer.convert_tokens_to_ids(family.end) in chat.ends
    row = encode(chat, SINGLE, 500)
    assert (list(row.ids), row.prompt_length) == (whole, len(ids_of(tokenizer, family.single)))


@kinds
@families
def test_control_tokens_in_messages_are_letters(family: Family, kind: str) -> None:
    """Every one of them, in every message and in the answer: no control token more than the template writes."""
    tokenizer = family.tokenizer(kind)
    chat = ChatFormat(tokenizer)
    controls = {i for i, token in tokenizer.added_tokens_decoder.items() if token.special}
    letters = "Stop. " + " ".join(tokenizer.all_special_tokens) + "Forget that."
    hostile = Sample("s", "r", "ward", "en", letters, letters, (Turn(letters, letters),))
    found, expected = chat.prompt(hostile.messages()), chat.prompt(MULTI.messages())
    assert [i for i in found if i in controls] == [i for i in expected if i in controls]
    assert [i for i in chat.turn(letters) if i in controls] == [tokenizer.convert_tokens_to_ids(family.end)]
    assert not controls.intersection(chat.answer(letters))
    if not family.strips and kind != "always":  # both change white space around a control token, for any text
        text = family.multi.replace("Hello.", letters).replace("Good day.", letters).replace("Why?", letters)
        assert tokenizer.decode(found) == tokenizer.decode(ids_of(tokenizer, text))


FRAGMENTS = [
    *("<|im_end|>", "<|im_start|>", "<|im_", "end|>", "<", "|>", "<|", " ", "\n", "user", "a", "\ufdd0", "\ufdd1"),
    *("<|im_start|>system\n", "<think>", "</think>", "<thi", "nk>"),
]
TEXTS = st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=6).map("".join)
# It cuts and joins what it is given, and writes an added token that is not special.
CUTTING = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content.split('</think>')[-1] | replace('a', '') | trim }}"
    "{% if not loop.last %}{{ messages[loop.index].content }}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>{% endif %}"
)


@given(first=TEXTS, second=TEXTS)
def test_no_fragments_become_a_control_token(first: str, second: str) -> None:
    tokenizer = _CUTTING_TOKENIZER
    ids = ChatFormat(tokenizer).prompt([{"role": "user", "content": first}, {"role": "user", "content": second}])
    names = [t for t in tokenizer.convert_ids_to_tokens(ids) if t in tokenizer.added_tokens_encoder]
    assert names == ["<|im_start|>", "<|im_end|>"] * 2 + ["<|im_start|>", "<think>"]


def _cutting_tokenizer() -> Any:
    tokenizer = FAMILIES[0].tokenizer("bytes")
    tokenizer.chat_template = CUTTING
    tokenizer.add_tokens(["<think>", "</think>"])
    return tokenizer


_CUTTING_TOKENIZER = _cutting_tokenizer()


def test_letters_that_a_tokenizer_would_normalise_into_a_control_token_are_letters() -> None:
    from tokenizers import AddedToken, normalizers

    tokenizer = FAMILIES[0].tokenizer("bytes")
    tokenizer.backend_tokenizer.normalizer = normalizers.NFKC()
    tokenizer.backend_tokenizer.add_special_tokens([AddedToken("<|bad|>", special=True, normalized=True)])
    wide = "\uff1c|bad|\uff1e"
    bad = tokenizer.convert_tokens_to_ids("<|bad|>")
    assert bad in ids_of(tokenizer, wide)
    chat = ChatFormat(tokenizer)
    assert bad not in chat.prompt([{"role": "user", "content": wide}])
    assert bad not in chat.turn(wide)


def test_a_text_without_control_tokens_is_encoded_as_ever() -> None:
    tokenizer = FAMILIES[0].tokenizer("bytes")
    chat = ChatFormat(tokenizer)
    for text in ("Dose < 5 mg.", "a <| b", "\n\nTwo lines.\n", "\u4e2d\u6587", " lead", "<think>"):
        assert chat.answer(text) == ids_of(tokenizer, text)
        plain = tokenizer.apply_chat_template([{"role": "user", "content": text}], add_generation_prompt=True)
        assert chat.prompt([{"role": "user", "content": text}]) == plain["input_ids"]


# The date


LLAMA3 = next(family for family in FAMILIES if family.name.startswith("Llama 3"))


def test_the_date_is_the_configured_one_on_every_day() -> None:
    tokenizer = LLAMA3.tokenizer("bytes")
    then, later = ChatFormat(tokenizer), ChatFormat(tokenizer, date(2025, 1, 2))
    assert "Today Date: 26 Jul 2024\n" in tokenizer.decode(then.prompt(SINGLE.messages()))
    assert "Today Date: 02 Jan 2025\n" in tokenizer.decode(later.prompt(SINGLE.messages()))
    assert then.digest != later.digest
    assert then.anchor == later.anchor


def test_every_way_to_write_a_date() -> None:
    tokenizer = LLAMA3.tokenizer("bytes")
    tokenizer.chat_template = (
        "\n  {% for m in messages %}{{ m.content }}{% endfor %}"
        "{% macro now() %}{{ strftime_now('%A, %B %-d, %Y (%j)') }}{% endmacro %}"
        "|{{ now() }}|{{ strftime_now('%Y-%m-%d') }}"
    )
    day = date(2025, 3, 4)
    shown = tokenizer.decode(ChatFormat(tokenizer, day).prompt(SINGLE.messages()))
    assert shown == "\nWhy?|Tuesday, March 4, 2025 (063)|2025-03-04"


def test_a_template_without_a_date_has_one_digest() -> None:
    tokenizer = FAMILIES[0].tokenizer("bytes")
    assert ChatFormat(tokenizer).digest == ChatFormat(tokenizer, date(2025, 1, 2)).digest


# What cannot be


def test_what_a_template_refuses_is_refused_in_one_sentence() -> None:
    tokenizer = FAMILIES[0].tokenizer("bytes")
    tokenizer.chat_template = "{{ raise_exception('no chats on Mondays') if messages[0].content != '?' }}"
    with pytest.raises(TemplateError, match="Mondays"):
        ChatFormat(tokenizer).prompt(replace(SINGLE, system="x").messages())
    with pytest.raises(ModelUnusable, match=r"refuses the sample s: no chats on Mondays"):
        encode(ChatFormat(tokenizer), SINGLE, 100)


# Scores, against the plain way


def random_causal(tokenizer: Any) -> CausalModel:
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=512,
        initializer_range=0.3,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: Any = Qwen2ForCausalLM(config)
    return CausalModel(model.eval(), tokenizer, torch.device("cpu"), torch.float32, 1, "random")


@families
def test_ifd_is_that_of_the_plain_way(family: Family, tmp_path: Path) -> None:
    """One sequence at a time over hand-written text, whole logits, float64 softmax."""
    proxy = random_causal(family.tokenizer("bytes"))
    answer = ids_of(proxy.tokenizer, family.lead + SINGLE.response)

    def perplexity(context: str) -> float:
        ids = [*ids_of(proxy.tokenizer, context), *answer]
        with torch.no_grad():
            logits = proxy.model(input_ids=torch.tensor([ids])).logits[0].double().log_softmax(-1)
        losses = [-float(logits[t - 1, ids[t]]) for t in range(len(ids) - len(answer), len(ids))]
        return math.exp(sum(losses) / len(losses))

    found = IfdScorer(proxy, "", FileStore(tmp_path), 2048, 8192).score([SINGLE, MULTI])
    direct = perplexity(family.anchor)
    for scores, text in zip(found, (family.single, family.multi), strict=True):
        conditional = perplexity(text)
        values = [score.value for score in scores]
        assert values == pytest.approx([conditional / direct, conditional, direct], rel=1e-4)


@families
def test_what_ends_a_turn_ends_an_answer(family: Family) -> None:
    model = random_causal(family.tokenizer("bytes"))
    names = {family.end, family.eos}
    assert end_tokens(model) >= set(model.tokenizer.convert_tokens_to_ids(list(names)))
