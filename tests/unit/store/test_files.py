from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccit.errors import ArtifactDamaged, StorageFailed
from ccit.store.files import FileStore

FILES = {"adapter_config.json": b'{"r": 4}', "adapter_model.safetensors": bytes(range(256)) * 4}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    directory = tmp_path / "source"
    directory.mkdir()
    for name, content in FILES.items():
        (directory / name).write_bytes(content)
    return directory


def leftovers(root: Path) -> list[str]:
    return [file.name for file in root.rglob("*.tmp")]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_flipped_bit_or_lost_byte_is_refused(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("store")
    store = FileStore(root)
    artifact = store.put_files(FILES)
    victim = root / "objects" / data.draw(st.sampled_from(sorted(artifact.files.values())))
    content = bytearray(victim.read_bytes())
    if data.draw(st.booleans(), label="truncate"):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        bit = data.draw(st.integers(0, len(content) * 8 - 1))
        content[bit // 8] ^= 1 << bit % 8
    victim.write_bytes(content)
    with pytest.raises(ArtifactDamaged, match="SHA-256"):
        store.read(artifact)
    assert dict(store.read(store.put_files(FILES))) == FILES  # putting the good bytes again heals it


def test_equal_content_is_stored_once(tmp_path: Path) -> None:
    FileStore(tmp_path).put_files({"a": b"same", "b": b"same"})
    assert len(list((tmp_path / "objects").iterdir())) == 2  # the content and the table


def test_a_write_cut_short_leaves_no_object(tmp_path: Path, source: Path) -> None:
    """A real short write: the process may not write files beyond 100 bytes (as on a full disk, the write fails)."""
    root = tmp_path / "store"
    code = (
        "import resource, sys; from pathlib import Path; from ccit.store.files import FileStore\n"
        "from ccit.errors import StorageFailed\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try: FileStore(Path(sys.argv[1])).put(Path(sys.argv[2]))\n"
        "except StorageFailed as error: print(error); sys.exit(3)\n"
    )
    run = subprocess.run([sys.executable, "-c", code, root, source], capture_output=True, text=True, check=False)
    assert run.returncode == 3, run.stderr
    assert "could not be written" in run.stdout
    assert [file.stat().st_size for file in (root / "objects").iterdir()] == [len(FILES["adapter_config.json"])]


PUT = (
    "import sys; from pathlib import Path; from ccit.store.files import FileStore\n"
    "FileStore(Path(sys.argv[1])).put(Path(sys.argv[2]))\n"
)


@pytest.mark.parametrize("point", ["store.written", "store.synced", "store.renamed", "store.files_put"])
@pytest.mark.parametrize("hit", [1, 2])
def test_a_crash_at_any_step_leaves_whole_objects_only(tmp_path: Path, source: Path, point: str, hit: int) -> None:
    if (point, hit) == ("store.files_put", 2):
        hit = 1  # passed once per artifact
    root = tmp_path / "store"
    environment = os.environ | {"CCIT_FAILPOINT": f"{point}@{hit}"}
    run = subprocess.run([sys.executable, "-c", PUT, root, source], env=environment, capture_output=True, check=False)
    assert run.returncode == -signal.SIGKILL, run.stderr
    store = FileStore(root)
    for file in (root / "objects").glob("[0-9a-f]*"):
        assert store._read_object(file.name, "object")  # every name that is there has its whole content
    assert dict(store.read(store.put(source))) == FILES


def test_a_full_disk_is_one_sentence_and_the_next_put_works(tmp_path: Path, source: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from ccit.store.files import FileStore\n"
        "from ccit.errors import StorageFailed\n"
        "store = FileStore(Path(sys.argv[1]))\n"
        "try: store.put(Path(sys.argv[2]))\n"
        "except StorageFailed as error: print(error)\n"
        "print(sorted(store.read(store.put(Path(sys.argv[2])))))\n"
    )
    environment = os.environ | {"CCIT_FAILPOINT": "store.written:raise"}
    run = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "store", source],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    message, names = run.stdout.splitlines()
    assert "No space left on device" in message
    assert names == str(sorted(FILES))
    assert not leftovers(tmp_path)


def test_a_root_that_is_no_folder_is_one_sentence(tmp_path: Path, source: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageFailed, match=r"store\.root"):
        FileStore(tmp_path / "file").put(source)
