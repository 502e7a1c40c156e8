"""A round whose micro-batches were chosen: the choice is in what it announces, and is not made twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest

from ccit.assembly.training import retraining
from ccit.models.causal import CausalModel
from ccit.models.gradient_checkpointing import recompute_blocks
from ccit.ports.training import MethodContext
from ccit.store.files import FileStore
from ccit.training.stamp import STAMP_FILE, sizes_before
from tests.unit.training.test_lora_resumed import Killed, killer
from tests.unit.training.tiny_rounds import TinyRounds, digests, quiet

pytestmark = pytest.mark.trains
ROOMY, TIGHT = 2**40, 0


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    found = {"bytes": ROOMY}
    monkeypatch.setattr("ccit.models.batch_choice.free_memory", lambda: found["bytes"])
    return found


def test_a_round_says_what_was_chosen_and_is_as_if_it_had_been_set(
    rounds: TinyRounds, free: dict[str, int], tmp_path: Path
) -> None:
    auto = rounds.settings(batch_tokens="auto")
    roomy = rounds.train(tmp_path / "roomy", settings=auto)
    free["bytes"] = TIGHT
    tight = rounds.train(tmp_path / "tight", settings=auto)
    assert (roomy.batch_tokens, tight.batch_tokens) == (4 * 128, 64)  # a whole step; the least
    stamp = FileStore(tmp_path / "tight").read(tight.adapters.proxy)[STAMP_FILE]
    assert json.loads(stamp)["batch_tokens"] == 64
    assert digests(tight) != digests(roomy)
    assert digests(rounds.train(tmp_path / "set", settings=rounds.settings(batch_tokens=64))) == digests(tight)


def test_a_killed_round_goes_on_with_what_it_began_with(
    rounds: TinyRounds, free: dict[str, int], tmp_path: Path
) -> None:
    auto = rounds.settings(batch_tokens="auto")
    whole = rounds.train(tmp_path / "whole", settings=auto)
    with pytest.raises(Killed):
        rounds.train(tmp_path / "killed", settings=auto, progress=killer("train deployed", 5))
    free["bytes"] = TIGHT
    resumed = rounds.train(tmp_path / "killed", settings=auto)
    assert resumed.batch_tokens == whole.batch_tokens
    assert digests(resumed) == digests(whole)


def test_a_smaller_size_that_was_set_in_its_middle_stays_and_is_told(
    rounds: TinyRounds, free: dict[str, int], tmp_path: Path
) -> None:
    auto, small = rounds.settings(batch_tokens="auto"), rounds.settings(batch_tokens=64)
    for settings, at in ((auto, 5), (small, 6)):
        with pytest.raises(Killed):
            rounds.train(tmp_path / "halved", settings=settings, progress=killer("train deployed", at))
    resumed = rounds.train(tmp_path / "halved", settings=auto)
    assert resumed.batch_tokens == 64
    store = FileStore(tmp_path / "halved")
    assert sizes_before(store.read(resumed.adapters.deployed)) == (512,)
    whole = rounds.train(tmp_path / "whole", settings=small)
    assert resumed.adapters.proxy == whole.adapters.proxy  # not one of its steps was larger
    assert resumed.adapters.deployed != whole.adapters.deployed


def test_methods_know_the_size_in_force(
    rounds: TinyRounds, free: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[int] = []

    def context(role: Literal["deployed", "proxy"], seed: int, batch_tokens: int) -> MethodContext:
        known.append(batch_tokens)
        return MethodContext(role, seed, batch_tokens)

    monkeypatch.setattr("ccit.training.lora.MethodContext", context)
    free["bytes"] = TIGHT
    rounds.train(tmp_path, settings=rounds.settings(batch_tokens="auto", epochs=1))
    assert known == [64, 64]


def test_gradient_checkpointing_changes_no_byte_and_is_counted(
    rounds: TinyRounds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recomputed: list[str] = []

    def watched(view: CausalModel) -> None:
        recomputed.append(view.name)
        recompute_blocks(view)

    monkeypatch.setattr("ccit.training.lora.recompute_blocks", watched)
    plain, again = (
        rounds.train(tmp_path / str(on), settings=rounds.settings(gradient_checkpointing=on, dropout=0.1))
        for on in (False, True)
    )
    assert recomputed == [rounds.bases.deployed.name, rounds.bases.proxy.name]
    assert digests(again) == digests(plain)
    assert again.training.tokens == plain.training.tokens
    assert again.training.flops == pytest.approx(1.5 * plain.training.flops)


def test_a_rebuild_uses_what_was_announced(rounds: TinyRounds, free: dict[str, int], tmp_path: Path) -> None:
    auto = rounds.settings(batch_tokens="auto")
    made = rounds.train(tmp_path / "made", settings=auto)
    free["bytes"] = TIGHT
    config = rounds.config.model_copy(update={"training": auto})
    again = retraining(config, made.batch_tokens, tmp_path / "again").trainer.train(*rounds.job(), quiet)
    assert again.batch_tokens == made.batch_tokens
    assert digests(again) == digests(made)
