"""The artifact store on a file system: `objects/<sha256>`, one object per distinct content, never changed.

An artifact is a table (relative path -> SHA-256); the table is itself an object, and its digest is the artifact's name
(`store://<digest>`). Files are written before the table, so a table on disk means that all of its files are.
Several processes and, over a shared file system, several machines may use one store: equal content has equal names.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ccit.errors import ArtifactDamaged, StorageFailed
from ccit.failpoints import failpoint
from ccit.records import Artifact, digest_of
from ccit.store.atomic import remove_stale, write_atomically

SCHEME = "store://"
_FILES = TypeAdapter(dict[str, str])
_DIGEST = re.compile(r"[0-9a-f]{64}")


class FileStore:
    """`ArtifactStore` over a folder.

    Parameters
    ----------
    root : Path
        Made on the first write; shared by all processes that follow one alias.

    Example
    -------
    >>> import tempfile
    >>> source = Path(tempfile.mkdtemp())
    >>> _ = (source / "adapter_config.json").write_text("{}")
    >>> store = FileStore(Path(tempfile.mkdtemp()) / "store")
    >>> dict(store.read(store.put(source)))
    {'adapter_config.json': b'{}'}
    """

    def __init__(self, root: Path) -> None:
        self._objects = root / "objects"

    def put(self, directory: Path) -> Artifact:
        """Store every file below a directory, durably; storing the same files again gives the same Artifact.

        Raises
        ------
        StorageFailed
            Nothing to store, or the disk does not take it; what was stored before stays whole.
        """
        try:
            sources = {p.relative_to(directory).as_posix(): p for p in sorted(directory.rglob("*")) if p.is_file()}
            contents = {name: source.read_bytes() for name, source in sources.items()}
        except OSError as error:
            raise StorageFailed(f"{directory} cannot be read to store it: {error.strerror or error}") from error
        if not contents:
            raise StorageFailed(f"expected at least one file below {directory} to store, found none")
        return self.put_files(contents)

    def put_files(self, contents: Mapping[str, bytes]) -> Artifact:
        """As `put`, from memory: relative path -> bytes."""
        remove_stale(self._objects)
        files = {name: self._put_object(content) for name, content in sorted(contents.items())}
        failpoint("store.files_put")
        table = self._put_object(_table(files))
        return Artifact(SCHEME + table, files)

    def read(self, artifact: Artifact) -> Mapping[str, bytes]:
        """Relative path -> bytes, each hashed after it was read: what was checked is what is handed out.

        Raises
        ------
        ArtifactDamaged
            The uri does not match the file table, or an object is missing or differs from its digest.
        StorageFailed
            The disk refuses to read.
        """
        if artifact.uri != SCHEME + digest_of(dict(artifact.files)):
            raise ArtifactDamaged(
                f"{artifact.uri} is not the digest of the file table that came with it; nothing was read"
            )
        return {name: self._read_object(digest, name) for name, digest in artifact.files.items()}

    def find(self, uri: str) -> Artifact:
        """The artifact that a uri names: its table is an object of the store.

        Raises
        ------
        ArtifactDamaged
            There is no such artifact.
        StorageFailed
            The disk refuses to read.
        """
        table = self._read_object(uri.removeprefix(SCHEME), uri)
        try:
            artifact = Artifact(uri, _FILES.validate_json(table))
        except ValidationError as error:
            raise ArtifactDamaged(f"{uri} names a file, and no table of files; give the uri of an artifact") from error
        return artifact

    def _put_object(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        path = self._objects / digest
        if not _holds(path, content):  # a damaged object is replaced by the good one
            write_atomically(path, content)
        return digest

    def _read_object(self, digest: str, name: str) -> bytes:
        if not _DIGEST.fullmatch(digest):
            raise ArtifactDamaged(f"expected a SHA-256 of 64 hex digits for {name}, found {digest!r}")
        try:
            content = (self._objects / digest).read_bytes()
        except FileNotFoundError as error:
            raise ArtifactDamaged(f"{name} ({digest[:12]}) is not in the store at {self._objects}") from error
        except OSError as error:
            raise StorageFailed(f"{name} ({digest[:12]}) cannot be read: {error.strerror or error}") from error
        found = hashlib.sha256(content).hexdigest()
        if found != digest:
            raise ArtifactDamaged(
                f"{name} should have SHA-256 {digest[:12]}, but the stored bytes have {found[:12]}; nothing parsed them"
            )
        return content


def _table(files: Mapping[str, str]) -> bytes:
    """Canonical JSON: its SHA-256 equals `digest_of(files)`."""
    return json.dumps(dict(files), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False
