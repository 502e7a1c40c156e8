"""Scores on fixed texts, to notice a change of formula, template, anchor or sentence splitting.

After a change that is meant, and a new version in the stamp: `python tests/golden/test_scores.py`
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

from ccit.models.causal import load_causal
from ccit.models.embedders import SentenceTransformerEmbedder
from ccit.ports.selection import Scorer
from ccit.records import Sample, Turn
from ccit.scoring.ifd import IfdScorer
from ccit.selection.checks.diversity import DiversityCheck
from ccit.store.files import FileStore
from ccit.testing import check_context, random_model

GOLDEN = Path(__file__).with_name("scores.json")
SAMPLES = [
    Sample("short", "r", "ward", "en", "Is it broken?", "No."),
    Sample(
        "list", "r", "ward", "en", "What should I do?", "Key points\n- Rest for 2.5 days.\n- Drink water.\n- Call us."
    ),
    Sample("same", "r", "ward", "en", "How is it treated?", "It is treated with rest. Rest is the treatment for it."),
    Sample(
        "turns", "r", "ward", "en", "And then?", "Dr. Lee will see you. Bring the letter.", (Turn("I fell.", "Oh."),)
    ),
    Sample("wide", "r", "ward", "zh", "怎么办？", "多喝水。注意休息。"),
]


def compute(folder: Path) -> dict[str, dict[str, float]]:
    proxy = load_causal(str(random_model(folder / "proxy")), device="cpu", dtype="float32", threads=1)
    scorers: list[Scorer] = [
        IfdScorer(proxy, "", FileStore(folder / "store"), 96, 512),
        DiversityCheck(DiversityCheck.Settings(), check_context(SentenceTransformerEmbedder(device="cpu"))),
    ]
    rows: dict[str, dict[str, float]] = {sample.sample_id: {} for sample in SAMPLES}
    weighted = IfdScorer(proxy, "", FileStore(folder / "store"), 96, 512, formula="weighted")
    for sample, scores in zip(SAMPLES, weighted.score(SAMPLES), strict=True):
        rows[sample.sample_id]["ifd_weighted"] = round(scores[0].value or 0.0, 6)
    for scorer in scorers:
        for sample, scores in zip(SAMPLES, scorer.score(SAMPLES), strict=True):
            rows[sample.sample_id] |= {s.metric: round(s.value, 6) for s in scores if s.value is not None}
            rows[sample.sample_id] |= {f"{s.metric}_truncated": s.truncated for s in scores if s.truncated}
    return rows


def test_scores_are_the_golden_ones(tmp_path: Path) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    found = compute(tmp_path)
    assert found.keys() == golden.keys()
    for name, row in golden.items():
        assert found[name] == pytest.approx(row, rel=1e-3, abs=1e-4), name


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        GOLDEN.write_text(json.dumps(compute(Path(made)), indent=2, sort_keys=True) + "\n", encoding="utf-8")
