"""Which kind of process is killed at which failpoints: by their prefixes, so that a new point is taken in by itself."""

from __future__ import annotations

from ccit.failpoints import FAILPOINTS

PREFIXES = {
    "ingest": ("batch.", "commit."),
    "score": ("batch.", "commit."),
    "train": ("train.", "store.", "commit."),
    "train-lora": ("training.",),  # in the training process, which the stub trainer has not
}
"""Role -> beginnings of names. Together they are all of `FAILPOINTS`, which a test holds."""

POINTS = {role: [name for name in FAILPOINTS if name.startswith(prefixes)] for role, prefixes in PREFIXES.items()}
