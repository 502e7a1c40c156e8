"""Where files lie."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from ccit.records import Artifact


class ArtifactStore(Protocol):
    """Content-addressed files. Nothing is handed out before its digest has been checked."""

    def put(self, directory: Path) -> Artifact:
        """Store every file below a directory, durably, and name it by digest. Idempotent."""

    def put_files(self, contents: Mapping[str, bytes]) -> Artifact:
        """As `put`, from memory: relative path -> bytes."""

    def read(self, artifact: Artifact) -> Mapping[str, bytes]:
        """Relative path -> bytes, each checked. Raises `ArtifactDamaged`."""

    def find(self, uri: str) -> Artifact:
        """The artifact of that uri, with its table of files. Raises `ArtifactDamaged` where there is none."""
