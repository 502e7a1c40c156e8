"""A version made again, by a trainer that makes adapters of a number (`test_training_kills.py` has the real one)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from ccit.errors import CcitError
from ccit.models.adapter_format import WEIGHTS_FILE, LoraShape, write_adapter
from ccit.pipeline import plan
from ccit.pool import Pool
from ccit.ports.training import Progress
from ccit.rebuild import AdapterComparison, Provenance, changes, material, rebuild
from ccit.records import AdapterPair, Candidate, Due, Material, Pooled, Position, Round, Version
from ccit.store.files import FileStore
from ccit.store.overlay import OverlayStore
from ccit.training.stamp import STAMP_FILE
from tests.nouns import candidate, pooled, recipe_of, sample, version

GENERAL = (sample(100), sample(101))
RECIPE = recipe_of(size=10, replay=0.5, general=GENERAL)
HISTORY = [pooled(number, partition=1) for number in range(50, 60)]


def adapter(number: float) -> dict[str, bytes]:
    weights = {"q.lora_A.weight": torch.full((1, 3), number), "q.lora_B.weight": torch.ones(2, 1)}
    return write_adapter(LoraShape(1, 2, ("q",)), weights, "tiny")


@dataclass
class Numbered:
    """A trainer whose deployed adapter holds `number`, and whose proxy's 7."""

    store: FileStore | OverlayStore
    number: float
    seen: Material | None = None

    def train(self, planned: Round, given: Material, parent: Version, progress: Progress) -> Candidate:
        self.seen = given
        pair = AdapterPair(self.store.put_files(adapter(self.number)), self.store.put_files(adapter(7.0)))
        return replace(candidate(planned.round_id), adapters=pair)


def quiet(stage: str, done: int, total: int) -> None:
    pass


def log() -> list[Pooled]:
    return [pooled(number) for number in range(10)]


def made(kept: FileStore, given: Sequence[Pooled] | None = None) -> Provenance:
    """Version 1 as it was made, from ten samples, five earlier ones and general data."""
    pool = Pool()
    for one in log():
        pool.add(one)
    planned = plan(pool, Due("size", ""), version(), RECIPE, [p.sample for p in HISTORY], {0: 0})
    trained = Numbered(kept, 2.0).train(planned, Material((), ()), version(), quiet)
    announced = replace(version(1, 0), round_id=planned.round_id, adapters=trained.adapters)
    return Provenance(announced, version(), planned, trained, [*(log() if given is None else given), *HISTORY])


def rebuild_of(kept: FileStore, folder: Path, number: float) -> Mapping[str, AdapterComparison]:
    """Version 1 again, by a trainer that makes another number of it."""
    provenance, scratch = made(kept), OverlayStore(kept, FileStore(folder))
    return rebuild(provenance, material(provenance, RECIPE.sources), Numbered(scratch, number), scratch, kept, quiet)


def test_the_round_is_trained_on_the_texts_that_the_manifest_names(tmp_path: Path) -> None:
    kept = FileStore(tmp_path / "kept")
    provenance = made(kept)
    trainer = Numbered(kept, 2.0)
    rebuild(provenance, material(provenance, RECIPE.sources), trainer, kept, kept, quiet)
    assert trainer.seen is not None
    assert tuple(s.sample_id for s in trainer.seen.training) == provenance.planned.sample_ids
    assert {
        kind: tuple(s.sample_id for s in part) for kind, part in trainer.seen.parts.items()
    } == provenance.planned.parts
    assert len(provenance.planned.parts["replay"]) > 0


def test_the_same_bytes_are_equal(tmp_path: Path) -> None:
    kept = FileStore(tmp_path / "kept")
    found = rebuild_of(kept, tmp_path / "scratch", 2.0)
    assert found["deployed"].equal
    assert found["proxy"].equal
    assert [found[role].said() for role in found] == ["", ""]


def test_a_difference_is_measured_and_what_is_kept_stays(tmp_path: Path) -> None:
    kept = FileStore(tmp_path / "kept")
    found = rebuild_of(kept, tmp_path / "scratch", 2.25)
    assert not found["deployed"].equal
    assert found["proxy"].equal
    assert found["deployed"].files == (WEIGHTS_FILE,)
    assert [(w.name, w.largest, w.scale) for w in found["deployed"].weights] == [("q.lora_A.weight", 0.25, 2.0)]
    assert found["deployed"].said() == "numbers differ by up to 0.25 in 1 of its weights (the largest number is 2)"
    assert not any(path.name == found["deployed"].made for path in (tmp_path / "kept").rglob("*"))


def test_steps_in_larger_micro_batches_are_said_of_an_adapter_that_differs(tmp_path: Path) -> None:
    kept = FileStore(tmp_path / "kept")
    provenance = made(kept)
    assert provenance.version.adapters is not None
    halved = kept.put_files({**adapter(2.0), STAMP_FILE: b'{"batch_tokens": 256, "batch_tokens_before": [1024, 512]}'})
    adapters = replace(provenance.version.adapters, deployed=halved)
    provenance = replace(provenance, version=replace(provenance.version, adapters=adapters))
    scratch = OverlayStore(kept, FileStore(tmp_path / "scratch"))
    texts = material(provenance, RECIPE.sources)
    found = rebuild(provenance, texts, Numbered(scratch, 2.25), scratch, kept, quiet)
    assert found["deployed"].said().endswith("made smaller on the way: steps before may have had 1024, 512 tokens")
    assert found["proxy"].said() == ""


def test_a_damaged_adapter_that_comes_out_the_same_is_whole_again(tmp_path: Path) -> None:
    kept = FileStore(tmp_path / "kept")
    provenance = made(kept)
    assert provenance.version.adapters is not None
    announced = provenance.version.adapters.deployed
    damaged = tmp_path / "kept" / "objects" / announced.files[WEIGHTS_FILE]
    damaged.write_bytes(b"damaged")
    scratch = OverlayStore(kept, FileStore(tmp_path / "scratch"))
    texts = material(provenance, RECIPE.sources)
    other = rebuild(provenance, texts, Numbered(scratch, 3.0), scratch, kept, quiet)
    assert "how much is not known" in other["deployed"].said()
    assert rebuild(provenance, texts, Numbered(scratch, 2.0), scratch, kept, quiet)["deployed"].equal
    assert dict(kept.read(announced)) == adapter(2.0)


def test_a_text_that_is_gone_or_another_is_named(tmp_path: Path) -> None:
    kept = FileStore(tmp_path)
    with pytest.raises(CcitError, match="retention"):
        material(made(kept, log()[1:]), RECIPE.sources)
    first, *others = log()
    changed = replace(first, sample=replace(first.sample, response="Another answer."))
    with pytest.raises(CcitError, match="not those that were planned"):
        material(made(kept, [changed, *others]), RECIPE.sources)


def test_a_sample_that_was_admitted_again_elsewhere_does_not_stand_for_the_rounds_own(tmp_path: Path) -> None:
    first, *others = log()
    elsewhere = replace(first, position=Position(3, 0))
    with pytest.raises(CcitError, match="retention"):
        material(made(FileStore(tmp_path), [elsewhere, *others]), RECIPE.sources)


def test_a_source_that_is_no_longer_selected_is_named(tmp_path: Path) -> None:
    left = {kind: source for kind, source in RECIPE.sources.items() if kind != "general"}
    with pytest.raises(CcitError, match="part 'general'"):
        material(made(FileStore(tmp_path)), left)


def test_the_base_model_was_made_by_no_round(tmp_path: Path) -> None:
    kept = FileStore(tmp_path)
    provenance = replace(made(kept), version=version())
    with pytest.raises(CcitError, match="base model"):
        rebuild(provenance, Material((), ()), Numbered(kept, 2.0), kept, kept, quiet)


@pytest.mark.parametrize(
    ("config", "code", "words"), [("c", "d", []), ("x", "d", ["settings"]), ("x", "y", ["settings", "release"])]
)
def test_what_is_not_as_it_was_is_said(tmp_path: Path, config: str, code: str, words: list[str]) -> None:
    found = changes(made(FileStore(tmp_path)), config, code, 4096)
    assert len(found) == len(words)
    assert all(word in note for word, note in zip(words, found, strict=True))


def test_memory_that_was_short_is_said(tmp_path: Path) -> None:
    """A killed round goes on with smaller micro-batches; nobody knows any more from which step on."""
    whole = made(FileStore(tmp_path))
    short = replace(whole, candidate=replace(whole.candidate, batch_tokens=1024))
    (said,) = changes(short, "c", "d", 4096)
    assert "held 1024 tokens instead of 4096" in said
    assert changes(short, "c", "d", 1024) == ()
    assert changes(short, "c", "d", "auto") == ()  # it was chosen, and is used again
    assert all("memory" not in note for note in changes(short, "x", "d", 4096))  # the setting may have been another
