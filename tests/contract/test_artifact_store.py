"""What every ArtifactStore must do; each implementation is one row of STORES."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.errors import ArtifactDamaged, StorageFailed
from ccit.ports.store import ArtifactStore
from ccit.records import digest_of
from ccit.store.files import FileStore
from ccit.store.overlay import OverlayStore

STORES: Mapping[str, Callable[[Path], ArtifactStore]] = {
    "files": FileStore,
    "overlay": lambda root: OverlayStore(FileStore(root), FileStore(root)),
}

names = st.text("abcdefgh_-. é", min_size=1, max_size=12).filter(lambda name: name.strip(".") == name)
contents = st.dictionaries(names, st.binary(max_size=200), min_size=1, max_size=5)


@pytest.fixture(params=sorted(STORES), scope="module")
def make(request: pytest.FixtureRequest) -> Callable[[Path], ArtifactStore]:
    return STORES[request.param]


def written(directory: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)
    return directory


@settings(max_examples=40, deadline=None)
@given(files=contents)
def test_what_was_put_is_read_back(
    make: Callable[[Path], ArtifactStore], tmp_path_factory: pytest.TempPathFactory, files: Mapping[str, bytes]
) -> None:
    store = make(tmp_path_factory.mktemp("store"))
    artifact = store.put(written(tmp_path_factory.mktemp("source"), files))
    assert dict(store.read(artifact)) == dict(files)
    assert artifact.uri.endswith(digest_of(dict(artifact.files)))


def test_putting_again_gives_the_same_artifact(make: Callable[[Path], ArtifactStore], tmp_path: Path) -> None:
    source = written(tmp_path / "source", {"a": b"1", "folder/b": b"2", "folder/same": b"1"})
    store = make(tmp_path / "store")
    first = store.put(source)
    assert store.put(source) == first
    assert make(tmp_path / "store").read(first)["folder/b"] == b"2"


def test_an_artifact_is_found_by_its_uri(make: Callable[[Path], ArtifactStore], tmp_path: Path) -> None:
    store = make(tmp_path / "store")
    artifact = store.put_files({"a": b"1", "folder/b": b"2"})
    assert store.find(artifact.uri) == artifact
    for nobodys in ("store://" + 64 * "0", "store://short", "store://" + artifact.files["folder/b"]):
        with pytest.raises(ArtifactDamaged):
            store.read(store.find(nobodys))


def test_another_files_digest_is_refused(make: Callable[[Path], ArtifactStore], tmp_path: Path) -> None:
    store = make(tmp_path / "store")
    artifact = store.put(written(tmp_path / "source", {"a": b"1"}))
    for files in ({"a": "0" * 64}, {"a": "../../etc/passwd"}, {}):
        with pytest.raises(ArtifactDamaged):
            store.read(replace(artifact, files=files))
        with pytest.raises(ArtifactDamaged):
            store.read(replace(artifact, files={"a": "0" * 64}, uri="store://" + digest_of(files)))


def test_an_unknown_artifact_is_refused(make: Callable[[Path], ArtifactStore], tmp_path: Path) -> None:
    artifact = make(tmp_path / "one").put(written(tmp_path / "source", {"a": b"1"}))
    with pytest.raises(ArtifactDamaged):
        make(tmp_path / "other").read(artifact)


def test_nothing_to_put_is_refused(make: Callable[[Path], ArtifactStore], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(StorageFailed):
        make(tmp_path / "store").put(tmp_path / "empty")
    with pytest.raises(StorageFailed):
        make(tmp_path / "store").put(tmp_path / "absent")
