"""Which bytes a model is: a hub commit, or a digest over a local folder's files. No torch, no network."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

from ccit.errors import ConfigError, ModelUnusable

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SUFFIXES = (".json", ".safetensors", ".jinja", ".txt", ".model")


@cache
def revision_of(path: str, revision: str) -> str:
    """The revision to pin a version to: the hub commit as given, or `sha256:<digest>` of a local folder.

    Raises
    ------
    ModelUnusable
        The folder holds no model.
    ConfigError
        A hub id without a revision, or with a branch or tag for one: "whatever is newest" cannot be proved later.

    >>> revision_of("Qwen/Qwen2.5-0.5B-Instruct", "7ae557604adf67be50417f59c2c2f167def9a775")
    '7ae557604adf67be50417f59c2c2f167def9a775'
    """
    folder = Path(path)
    if not folder.exists():
        if not revision:
            raise ConfigError(
                f"expected a folder or a hub id with its revision, but {path!r} is no folder and has none; "
                "set models.deployed_revision and models.proxy_revision to a commit, or give a local folder"
            )
        if not _COMMIT.fullmatch(revision):
            raise ConfigError(
                f"expected a commit (40 hex digits) as the revision of {path!r}, found {revision!r}, which may be "
                "another model tomorrow; set models.deployed_revision and models.proxy_revision to commits"
            )
        return revision
    files = sorted(file for file in folder.glob("*") if file.suffix in _SUFFIXES)
    if not any(file.suffix == ".safetensors" for file in files):
        raise ModelUnusable(f"expected a model folder with safetensors weights at {path}, found none; check the path")
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as content:
            digest.update(f"{file.name}:{hashlib.file_digest(content, 'sha256').hexdigest()}\n".encode())
    return f"sha256:{digest.hexdigest()}"
