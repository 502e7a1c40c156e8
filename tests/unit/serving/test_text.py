from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, normalizers
from transformers import PreTrainedTokenizerFast

from ccit.errors import ModelUnusable
from ccit.serving.text import IncrementalDecoder, StopTexts
from ccit.testing import byte_tokenizer

BYTES = byte_tokenizer()


def fallback_tokenizer() -> Any:
    """As Llama's and Gemma's: spaces as a mark, a leading one stripped, unknown characters as byte tokens."""
    pieces = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *"abcdefghij", "ab", "▁a"]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    model = models.BPE(
        vocab=vocabulary, merges=[("a", "b"), ("▁", "a")], byte_fallback=True, unk_token="<unk>", fuse_unk=True
    )
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    steps: list[Any] = [
        decoders.Replace("▁", " "),
        decoders.ByteFallback(),
        decoders.Fuse(),
        decoders.Strip(content=" ", left=1, right=0),
    ]
    tokenizer.decoder = decoders.Sequence(steps)
    make: Any = PreTrainedTokenizerFast
    return make(tokenizer_object=tokenizer, unk_token="<unk>")


FALLBACK = fallback_tokenizer()


def streamed(tokenizer: Any, ids: list[int]) -> list[str]:
    decoder = IncrementalDecoder(tokenizer)
    return [*(decoder.push(token) for token in ids), decoder.finish()]


@settings(max_examples=100, deadline=None)
@given(ids=st.lists(st.integers(0, len(BYTES) - 1), max_size=60))
def test_pieces_of_any_tokens_join_to_the_whole(ids: list[int]) -> None:
    assert "".join(streamed(BYTES, ids)) == BYTES.decode(ids, skip_special_tokens=True)


@settings(max_examples=100, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_characters_come_whole(text: str) -> None:
    ids = BYTES(text)["input_ids"]
    pieces = streamed(BYTES, ids)
    assert "".join(pieces) == BYTES.decode(ids, skip_special_tokens=True) == text
    if "\N{REPLACEMENT CHARACTER}" not in text:
        assert not any("\N{REPLACEMENT CHARACTER}" in piece for piece in pieces)
        assert pieces[-1] == ""


@settings(max_examples=100, deadline=None)
@given(text=st.text(st.sampled_from("abcdefghij äß語😀é "), min_size=1))
def test_a_tokenizer_that_marks_spaces_joins_to_the_whole_too(text: str) -> None:
    ids = FALLBACK(text)["input_ids"]
    assert "".join(streamed(FALLBACK, ids)) == FALLBACK.decode(ids, skip_special_tokens=True)


def fallback_ids(*pieces: str) -> list[int]:
    return [FALLBACK.convert_tokens_to_ids(piece) for piece in pieces]


def test_a_byte_that_breaks_characters_which_have_come_out_takes_none_of_them_back() -> None:
    ids = fallback_ids("a", "<0xC3>", "<0xA9>", "<0x80>", "b")
    assert FALLBACK.decode(ids) == "a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}b"
    assert streamed(FALLBACK, ids) == ["a", "", "é", "", "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}b", ""]


@settings(max_examples=300, deadline=None)
@given(ids=st.lists(st.integers(0, len(FALLBACK) - 1), max_size=60))
def test_no_character_is_lost_whatever_bytes_are_said(ids: list[int]) -> None:
    rest = iter("".join(streamed(FALLBACK, ids)))
    whole = FALLBACK.decode(ids, skip_special_tokens=True).replace("\N{REPLACEMENT CHARACTER}", "")
    assert all(character in rest for character in whole)


def test_an_id_that_the_tokenizer_does_not_know_is_no_text() -> None:
    """A model's vocabulary is often padded to a round number."""
    ids = BYTES("ab")["input_ids"]
    assert "".join(streamed(BYTES, [ids[0], len(BYTES) + 7, ids[1]])) == "ab"


def test_a_tokenizer_that_cannot_decode_step_by_step_is_refused_in_words() -> None:
    with pytest.raises(ModelUnusable, match="tokenizers library"):
        IncrementalDecoder(object())


def test_a_character_of_four_tokens_waits_for_the_last() -> None:
    assert streamed(BYTES, BYTES("a😀b")["input_ids"]) == ["a", "", "", "", "😀", "b", ""]


@settings(max_examples=100, deadline=None)
@given(
    pieces=st.lists(st.text("abc", max_size=4), max_size=12),
    stops=st.lists(st.text("abc", min_size=1, max_size=4), max_size=3),
)
def test_text_goes_up_to_the_first_stop(pieces: list[str], stops: list[str]) -> None:
    stop = StopTexts(stops)
    out = ""
    for piece in pieces:
        out += stop.push(piece)
        if stop.reached:
            break
        assert not any(text in out for text in stops)
    out += stop.finish()
    whole = "".join(pieces)
    assert stop.reached == any(text in whole for text in stops)
    if stop.reached:
        assert whole.startswith(out)
        assert not any(text in out for text in stops)
        assert any(whole.startswith(text, len(out)) for text in stops)
    else:
        assert out == whole


@pytest.mark.parametrize(("piece", "out"), [("xyz", "xyz"), ("xEN", "x"), ("xE", "x"), ("ENx", "ENx")])
def test_only_a_possible_beginning_is_held_back(piece: str, out: str) -> None:
    assert StopTexts(["END"]).push(piece) == out
