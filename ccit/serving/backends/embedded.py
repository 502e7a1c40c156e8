"""Versions as views on one model in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from ccit.errors import ModelUnusable
from ccit.plugins import PluginSettings, plugin
from ccit.ports.serving import BackendContext, Delta, Sampling

if TYPE_CHECKING:
    from ccit.models.causal import CausalModel


@plugin("backend")
class EmbeddedBackend:
    """Runs the versions in the server's own process, as views that share the base model's tensors.

    A version costs its adapter's bytes; loading one writes nothing that another reads. Each answer is a decode loop of
    its own, so answers run side by side in threads.

    Example
    -------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ccit.models.causal import load_causal
    >>> from ccit.testing import random_model
    >>> base = load_causal(str(random_model(Path(tempfile.mkdtemp()))), device="cpu")
    >>> backend = EmbeddedBackend(EmbeddedBackend.Settings(), BackendContext(lambda: base))
    >>> [delta.tokens for delta in backend.stream(0, [1, 2, 3], Sampling(max_tokens=2, temperature=0))]
    [1, 2]
    """

    class Settings(PluginSettings):
        """Nothing to set: `[models]` names the model, its device and its number type."""

        kind: Literal["embedded"] = "embedded"

    def __init__(self, settings: Settings, context: BackendContext) -> None:
        self._base: CausalModel = context.load()
        self._versions: dict[int, CausalModel] = {0: self._base}

    @property
    def tokenizer(self) -> Any:
        """Of the base model."""
        return self._base.tokenizer

    @property
    def vocabulary(self) -> int:
        """Token ids are below this."""
        return int(self._base.model.config.vocab_size)

    @property
    def context_length(self) -> int:
        """Positions of prompt and answer together."""
        return int(self._base.model.config.max_position_embeddings)

    def load(self, version: int, files: Mapping[str, bytes] | None) -> None:
        """Build the version's view and try it out. Raises `ModelUnusable`; nothing has changed then."""
        from ccit.models.causal import with_adapter

        model = self._base if files is None else with_adapter(self._base, files)
        _try_out(model, version)
        self._versions[version] = model

    def unload(self, version: int) -> None:
        """Let the view go; the memory is free when the last answer over it has ended."""
        self._versions.pop(version, None)

    def stream(
        self, version: int, prompt: Sequence[int], sampling: Sampling, cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[Delta]:
        """The answer of one version, token by token."""
        from ccit.serving.generation import generate

        return generate(self._versions[version], prompt, sampling, cancelled)


def _try_out(model: CausalModel, number: int) -> None:
    import torch

    from ccit.serving.text import IncrementalDecoder

    IncrementalDecoder(model.tokenizer)  # refuses one that cannot decode step by step
    prompt = model.chat.prompt([{"role": "user", "content": "Hello"}])
    try:
        with torch.inference_mode():
            ids = torch.tensor([prompt], device=model.device)
            finite = bool(torch.isfinite(model.model(input_ids=ids, use_cache=False, logits_to_keep=1).logits).all())
    except RuntimeError as error:  # out of memory (torch.OutOfMemoryError), or an operation that the device refuses
        why = str(error).partition("\n")[0] or type(error).__name__
        raise ModelUnusable(f"version {number} cannot answer a trial prompt: {why}") from error
    if not finite:
        raise ModelUnusable(f"version {number} answers a trial prompt with numbers that are not finite; not loaded")
