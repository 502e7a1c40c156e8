"""How a version takes over, step by step:

1. `load`: the backend takes the version in, beside the others and in the caller's thread; it answers a trial prompt
   before anyone can ask it. A failure leaves everything as it was.
2. `activate`: one assignment under a lock. Requests that begin afterwards lease the new version.
3. Requests in flight finish on the version they leased; then the backend may let it go.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from time import perf_counter

from ccit.ports.serving import Backend
from ccit.serving.leases import Leases


class Slots(Leases):
    """The versions that a backend holds, and who uses them.

    Parameters
    ----------
    backend : Backend
        Runs the versions.
    alias, keep
        As in `Leases`.

    Example
    -------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ccit.models.causal import load_causal
    >>> from ccit.ports.serving import BackendContext
    >>> from ccit.serving.backends.embedded import EmbeddedBackend
    >>> from ccit.testing import random_model
    >>> base = load_causal(str(random_model(Path(tempfile.mkdtemp()))), device="cpu")
    >>> slots = Slots(EmbeddedBackend(EmbeddedBackend.Settings(), BackendContext(lambda: base)), "ccit")
    >>> with slots.lease() as number:
    ...     number
    0
    """

    def __init__(self, backend: Backend, alias: str, keep: int = 3) -> None:
        super().__init__(alias, keep, self._let_go)
        self.backend = backend
        self._digests = {0: ""}
        self.observers: list[Callable[[float], None]] = []  # told the seconds that each load took

    @property
    def digests(self) -> dict[int, str]:
        """Version -> SHA-256 over the names and bytes of its adapter's files; empty for one without an adapter."""
        return dict(sorted(self._digests.copy().items()))

    def load(self, number: int, files: Mapping[str, bytes] | None) -> None:
        """Take a version in; it answers nobody until `activate`. Does nothing if it is held.

        Parameters
        ----------
        files : Mapping[str, bytes] | None
            The adapter's files as `ArtifactStore.read` gave them; None is a version without an adapter.

        Raises
        ------
        ModelUnusable
            The adapter is no LoRA, does not fit the base, or gives numbers that are not finite; or the trial failed,
            as when the memory that requests leave is too little.
        """
        if number in self.held:
            return
        began = perf_counter()
        self.backend.load(number, files)
        self._digests[number] = _digest(files)
        self.hold(number)
        for observe in self.observers:
            observe(perf_counter() - began)

    def _let_go(self, number: int) -> None:
        del self._digests[number]
        self.backend.unload(number)


def _digest(files: Mapping[str, bytes] | None) -> str:
    if files is None:
        return ""
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(f"{name}\0{hashlib.sha256(files[name]).hexdigest()}\n".encode())
    return whole.hexdigest()
