from __future__ import annotations

from pathlib import Path

import pytest

from ccit.errors import ConfigError, ModelUnusable
from ccit.models.revision import revision_of

COMMIT = "7ae557604adf67be50417f59c2c2f167def9a775"


def test_a_hub_id_is_pinned_to_its_commit() -> None:
    assert revision_of("someone/model", COMMIT) == COMMIT


@pytest.mark.parametrize("revision", ["main", "v1.0", COMMIT[:12], COMMIT.upper(), COMMIT + "0"])
def test_a_name_that_may_move_is_no_revision(revision: str) -> None:
    with pytest.raises(ConfigError, match=f"40 hex digits.*{revision}"):
        revision_of("someone/model", revision)


def test_a_hub_id_without_a_revision_is_refused() -> None:
    with pytest.raises(ConfigError, match="has none"):
        revision_of("someone/model", "")


def test_a_folder_is_named_by_its_bytes(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match="found none"):
        revision_of(str(tmp_path), "")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for name, content in (("a", b"one"), ("b", b"two")):
        (tmp_path / name / "model.safetensors").write_bytes(content)
    found = {revision_of(str(tmp_path / name), "main") for name in ("a", "b")}
    assert len(found) == 2
    assert all(revision.startswith("sha256:") for revision in found)
