"""Prompts and templates that were published stay as they are: a row that names a version can be looked up for ever.

`texts.sha256` holds their digests, those of what they include among them. A change is a new version beside the old one,
whose lines are added by `python -m tests.unit.generation.test_texts`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ccit.generation.jinja import TEXTS, JinjaFiles
from ccit.generation.source import LANGUAGES

LISTED = Path(__file__).with_name("texts.sha256")


def found() -> dict[str, str]:
    """`prompts/en/summary.v1` -> digest."""
    folders = [f"{kind}/{language}" for kind in ("prompts", "templates") for language in LANGUAGES]
    files = {folder: JinjaFiles(TEXTS / folder) for folder in folders}
    return {f"{folder}/{name}": one.digest(name) for folder, one in files.items() for name in one.names()}


def listed() -> dict[str, str]:
    lines = LISTED.read_text("utf-8").splitlines() if LISTED.exists() else []
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def test_every_version_is_listed_and_no_more() -> None:
    assert found().keys() == listed().keys()


@pytest.mark.parametrize("name", sorted(listed()))
def test_a_published_version_is_as_it_was(name: str) -> None:
    assert found()[name] == listed()[name], f"{name} has changed: put it back, and make a new version beside it"


if __name__ == "__main__":
    kept = {**found(), **listed()}
    LISTED.write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(kept.items())), "utf-8")
