"""What a version is made with: the base models, the code, and the store of its files."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from ccit.config import Config
from ccit.models.revision import revision_of
from ccit.plugins import foreign_sources
from ccit.records import Version
from ccit.store.files import FileStore


@cache
def code_digest() -> str:
    """SHA-256 over ccit's own source files and those of plug-ins from outside: which code made a version."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for file in sorted(root.rglob("*.py")):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    for module, source in foreign_sources().items():
        digest.update(module.encode() + b"\0" + source)
    return digest.hexdigest()


def base_version(config: Config) -> Version:
    """Number 0: the base models without an adapter."""
    models = config.models
    return Version(
        alias=models.alias,
        number=0,
        parent=None,
        round_id="",
        base_model=models.deployed,
        base_revision=revision_of(models.deployed, models.deployed_revision),
        proxy_model=models.proxy,
        proxy_revision=revision_of(models.proxy, models.proxy_revision),
        adapters=None,
        rank=0,
        target_modules=(),
        verdict=None,
        counts={},
        consumed=(),
        config_digest=config.training_digest(),
        code_digest=code_digest(),
    )


def store(config: Config) -> FileStore:
    """The artifact store that all processes share."""
    return FileStore(config.store.root)
