"""A cell whose rounds cannot be trained has a line that says so, and leaves nothing behind, in no store either."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ccit.errors import TrainingFailed
from ccit.experiment.cell import run_cell
from ccit.experiment.plan import read_plan
from ccit.training.lora import LoraTrainer
from tests.unit.experiment.conftest import Write

pytestmark = pytest.mark.trains


def test_a_round_that_diverges_is_in_the_line(
    write: Write, small: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverges(*_: object) -> None:
        raise TrainingFailed("the round diverged")

    monkeypatch.setattr(LoraTrainer, "train", diverges)
    config = {**small, "selection": {**small["selection"], "policy": {"kind": "accept_all"}}}
    (tmp_path / "live.toml").write_text(
        f'[store]\nroot = "{tmp_path / "live"}"\n[evaluation.suites]\ndomain = "none.jsonl"\n'
        "[evaluation.criteria]\nforgetting = false\ntotal_forgetting = false\ngain = false\n",
        "utf-8",
    )
    (cell,) = read_plan(write(base="live.toml", config=config, stream={"records": 24, "days": 2}))
    line = run_cell(cell, tmp_path / "work", lambda *_: None)
    assert line["failed"] == "the round diverged"
    assert (line["rounds"], len(line["matrix"])) == ([], 1)
    assert not (tmp_path / "work").exists()
    assert not (tmp_path / "live").exists()  # the store of the base's own system is another's
