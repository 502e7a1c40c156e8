"""Files of unfinished work: written atomically, and read only when their digest is right.

The first 64 bytes are the SHA-256 (hex) of what follows. A sealed file can always be made again, so a missing or
damaged one is None, not an error.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from ccit.store.atomic import write_atomically

_DIGEST_BYTES = 64


def write_sealed(path: Path, content: bytes) -> None:
    """Write `content` and its digest. Raises `StorageFailed` when the disk does not take it."""
    write_atomically(path, hashlib.sha256(content).hexdigest().encode() + content)


def read_sealed(path: Path) -> bytes | None:
    """The content, or None when the file is missing, unreadable or not what was written."""
    try:
        sealed = path.read_bytes()
    except OSError:
        return None
    digest, content = sealed[:_DIGEST_BYTES], sealed[_DIGEST_BYTES:]
    return content if hashlib.sha256(content).hexdigest().encode() == digest else None
