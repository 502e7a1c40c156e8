"""Versions in the slots of one model in this process, all requests in one batch."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import ExitStack
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from ccit.errors import CcitError, ModelUnusable
from ccit.plugins import PluginSettings, plugin
from ccit.ports.serving import BackendContext, BlockCounts, Delta, Sampling

if TYPE_CHECKING:
    from ccit.models.causal import CausalModel
    from ccit.serving.decode_loop import Made
    from ccit.serving.generation import Generation
    from ccit.serving.residents import Resident

_POSITIONS = 2**20  # of all sequences together: what tiny models would get beyond it is never used


@plugin("backend")
class EmbeddedBackend:
    """Runs the versions in the server's own process, in one batch that requests join and leave between its steps.

    Each row of the batch goes through the adapter of the version that its request began with. A version that loads is
    converted in the caller's thread, copied into a free slot between steps, and tried out by a prompt of its own; one
    that is unloaded keeps its slot until its last answer has ended.

    Example
    -------
    >>> import asyncio, tempfile
    >>> from pathlib import Path
    >>> from ccit.models.causal import load_causal
    >>> from ccit.testing import random_model
    >>> base = load_causal(str(random_model(Path(tempfile.mkdtemp()))), device="cpu")
    >>> backend = EmbeddedBackend(EmbeddedBackend.Settings(), BackendContext(lambda: base))
    >>> async def tokens():
    ...     return [delta.tokens async for delta in backend.stream(0, [1, 2], Sampling(max_tokens=2, temperature=0))]
    >>> asyncio.run(tokens())
    [1, 2]
    """

    class Settings(PluginSettings):
        """What it may use; `[models]` names the model, its device and its number type."""

        kind: Literal["embedded"] = "embedded"
        cache_mib: int = Field(
            1024, ge=1, description="memory for the keys and values of all answers under way, and of prompts kept, MiB"
        )

    def __init__(self, settings: Settings, context: BackendContext) -> None:
        from ccit.models.adapter_bank import AdapterBank
        from ccit.models.causal import end_tokens
        from ccit.models.decoding import Batch
        from ccit.serving.decode_loop import DecodeLoop
        from ccit.serving.residents import Resident, Residents
        from ccit.serving.vocabulary import LazyVocabulary

        self._base: CausalModel = context.load()
        bank = AdapterBank(self._base)
        self._batch = Batch(bank, settings.cache_mib, _POSITIONS)
        self.context_length = min(int(self._base.model.config.max_position_embeddings), self._batch.positions)
        """Positions of prompt and answer together: what the model knows and the memory holds."""
        self._loop = DecodeLoop(self._batch)
        self._residents = Residents(bank, self._loop)
        self._words = LazyVocabulary(self.tokenizer, self.vocabulary, end_tokens(self._base))
        self._versions: dict[int, Resident] = {0: Resident()}

    @property
    def tokenizer(self) -> Any:
        """Of the base model."""
        return self._base.tokenizer

    @property
    def vocabulary(self) -> int:
        """Token ids are below this."""
        return int(self._base.model.config.vocab_size)

    @property
    def blocks(self) -> BlockCounts:
        """Of keys and values."""
        return self._batch.blocks

    def load(self, version: int, files: Mapping[str, bytes] | None) -> None:
        """Take the version in and try it out. Raises `ModelUnusable`; nothing has changed then."""
        from ccit.models.faults import LIBRARIES_RAISE, sentence_of

        try:
            with ExitStack() as failed:
                resident = self._residents.take_in(files)
                failed.callback(self._residents.drop, resident)
                self._try_out(resident, version)
                failed.pop_all()
        except LIBRARIES_RAISE as error:  # out of memory (torch.OutOfMemoryError), mostly
            raise ModelUnusable(f"version {version} cannot be loaded: {sentence_of(error)}") from error
        self._versions[version] = resident

    def unload(self, version: int) -> None:
        """Let the version go when its last answer has ended."""
        self._residents.drop(self._versions.pop(version))

    async def stream(self, version: int, prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Delta]:
        """The answer of one version, token by token."""
        import asyncio

        from ccit.serving.generation import Generation

        resident = self._versions[version]
        made: asyncio.Queue[Made] = asyncio.Queue()
        if sampling.logprobs is None and sampling.json_schema is None:
            generation = Generation(self._base, sampling, prompt)
        else:  # a vocabulary takes a second to make, a schema up to a tenth
            generation = await asyncio.to_thread(lambda: Generation(self._base, sampling, prompt, self._words.get()))
        cancel = self._submit(resident, generation, prompt, made.put_nowait, asyncio.get_running_loop())
        try:
            while True:
                delta = await made.get()
                if isinstance(delta, CcitError):
                    raise delta
                yield delta
                if delta.finish:
                    return
        finally:
            cancel()

    def _submit(
        self,
        version: Resident,
        generation: Generation,
        prompt: Sequence[int],
        told: Callable[[Made], None],
        on: Any = None,
    ) -> Callable[[], None]:
        """Start an answer; gives what ends it."""
        from ccit.serving.decode_loop import Ticket

        ticket = Ticket(
            generation,
            prompt,
            len(prompt) + generation.limit - 1,
            version.slot,
            version.digest,
            told,
            lambda: self._residents.end(version),
            on,
            first=on is None,
        )
        self._residents.begin(version)
        self._loop.submit(ticket)
        return lambda: self._loop.cancel(ticket)

    def _try_out(self, version: Resident, number: int) -> None:
        """One token after a trial prompt, before those who wait; nobody else can ask this version yet."""
        from ccit.serving.decode_loop import GenerationFailed
        from ccit.serving.generation import Generation

        prompt = self._base.chat.prompt([{"role": "user", "content": "Hello"}])
        made: SimpleQueue[Made] = SimpleQueue()
        self._submit(version, Generation(self._base, Sampling(max_tokens=1, temperature=0)), prompt, made.put)
        answer = made.get()
        if isinstance(answer, GenerationFailed):
            raise ModelUnusable(f"version {number} cannot answer a trial prompt: {answer}")
        if isinstance(answer, CcitError):
            raise ModelUnusable(f"version {number} answers a trial prompt with numbers that are not finite; not loaded")
