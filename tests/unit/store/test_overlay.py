from __future__ import annotations

from pathlib import Path

import pytest

from ccit.errors import ArtifactDamaged
from ccit.store.files import FileStore
from ccit.store.overlay import OverlayStore


def test_what_is_kept_is_read_and_stays_as_it_is(tmp_path: Path) -> None:
    kept, written = FileStore(tmp_path / "kept"), FileStore(tmp_path / "written")
    before = kept.put_files({"a": b"kept"})
    store = OverlayStore(kept, written)
    new = store.put_files({"a": b"new"})
    assert dict(store.read(before)) == {"a": b"kept"}
    assert dict(store.read(new)) == dict(written.read(new)) == {"a": b"new"}
    with pytest.raises(ArtifactDamaged):
        kept.read(new)
