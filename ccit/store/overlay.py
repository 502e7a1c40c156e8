"""A store whose writes go to another place: for work that must leave what is kept as it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ccit.ports.store import ArtifactStore
from ccit.records import Artifact


class OverlayStore:
    """`ArtifactStore` that reads what is kept, and writes elsewhere.

    Parameters
    ----------
    kept : ArtifactStore
        Only read.
    written : ArtifactStore
        Takes all that is put, and is asked first about it.

    Example
    -------
    >>> import tempfile
    >>> from ccit.store.files import FileStore
    >>> kept, written = (FileStore(Path(tempfile.mkdtemp())) for _ in range(2))
    >>> store = OverlayStore(kept, written)
    >>> artifact = store.put_files({"note.txt": b"new"})
    >>> dict(store.read(artifact)) == dict(written.read(artifact))
    True
    """

    def __init__(self, kept: ArtifactStore, written: ArtifactStore) -> None:
        self._kept = kept
        self._written = written
        self._own: set[str] = set()  # uris of what was put here

    def put(self, directory: Path) -> Artifact:
        """Store a directory in the other place."""
        return self._note(self._written.put(directory))

    def put_files(self, contents: Mapping[str, bytes]) -> Artifact:
        """As `put`, from memory."""
        return self._note(self._written.put_files(contents))

    def read(self, artifact: Artifact) -> Mapping[str, bytes]:
        """What was put here from there, all else from what is kept. Raises `ArtifactDamaged`."""
        return (self._written if artifact.uri in self._own else self._kept).read(artifact)

    def find(self, uri: str) -> Artifact:
        """By its uri, where `read` would read it. Raises `ArtifactDamaged`."""
        return (self._written if uri in self._own else self._kept).find(uri)

    def _note(self, artifact: Artifact) -> Artifact:
        self._own.add(artifact.uri)
        return artifact
