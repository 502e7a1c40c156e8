from __future__ import annotations

from pathlib import Path

import pytest

from ccit.errors import StorageFailed
from ccit.models.sealed_folder import is_sealed, sealed_folder

FACTS = {"recipe": 1, "sizes": (1, 2)}


def build(folder: Path, text: str = "weights") -> dict[str, int]:
    (folder / "sub").mkdir()
    (folder / "sub" / "a").write_text(text)
    return {"loss": 1}


def test_it_is_built_once(tmp_path: Path) -> None:
    final = tmp_path / "cache" / "model"
    assert sealed_folder(final, FACTS, build) == final
    assert sealed_folder(final, FACTS, lambda _: pytest.fail("built again")) == final
    assert is_sealed(final, {"recipe": 1, "sizes": [1, 2]})
    assert [p.name for p in final.parent.iterdir()] == ["model"]


@pytest.mark.parametrize("damage", ["flip", "remove", "add", "marker", "facts"])
def test_a_damaged_one_or_one_of_other_facts_is_built_again(tmp_path: Path, damage: str) -> None:
    final = sealed_folder(tmp_path / "model", FACTS, build)
    if damage == "flip":
        (final / "sub" / "a").write_text("weight5")
    elif damage == "remove":
        (final / "sub" / "a").unlink()
    elif damage == "add":
        (final / "b").write_text("")
    elif damage == "marker":
        (final / "sealed.json").write_text("{")
    sealed_folder(final, {"recipe": 2} if damage == "facts" else FACTS, lambda folder: build(folder, "new"))
    assert (final / "sub" / "a").read_text() == "new"
    assert not (final / "b").exists()


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> dict[str, int]:
        build(folder)
        raise ValueError

    with pytest.raises(ValueError):  # whatever a build raises comes through
        sealed_folder(tmp_path / "model", FACTS, fail)
    assert list(tmp_path.iterdir()) == []


def test_who_comes_second_keeps_the_first_ones_result(tmp_path: Path) -> None:
    final = tmp_path / "model"

    def slow(folder: Path) -> dict[str, int]:
        sealed_folder(final, FACTS, lambda other: build(other, "first"))
        return build(folder, "second")

    sealed_folder(final, FACTS, slow)
    assert (final / "sub" / "a").read_text() == "first"
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="model could not be written to"):
        sealed_folder(tmp_path / "file" / "model", FACTS, build)
