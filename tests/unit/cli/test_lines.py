"""What the commands write, line by line, from values made here: no model, no broker."""

from __future__ import annotations

from pathlib import Path

import orjson

from ccit.cli.assess import FIELDS, _line, _read, _refused
from ccit.cli.feed import _rows
from ccit.cli.look import _row as version_row
from ccit.cli.replay import decision_line, round_line
from ccit.errors import InputError
from ccit.records import Decision, Due, Material, Sample, Score, Spend
from ccit.replay import FinishedRound
from tests.nouns import candidate, recipe_of, sample, verdict, version

# DESIGN.md: one line per row, same order.
ASSESSED = ("id", "accepted", "reason", "ifd", "ppl_conditional", "ppl_direct", "diversity", "novelty", "tokens")

DECISION = Decision(
    sample(7),
    False,
    "ifd_too_high",
    (
        Score("novelty", 0.5, "n.v1"),
        Score("ifd", 1.25, "i.v1", truncated=3),
        Score("diversity", None, "d.v1", "one sentence"),
        Score("ratio", 0.25, "r.v1"),
    ),
    proxy_version=2,
)


def test_a_decided_row_has_the_promised_fields() -> None:
    line = _line(DECISION, 9, {})
    assert tuple(line) == (*ASSESSED, "truncated", "scores", "unscored", "refused")
    assert line["scores"] == {"ratio": 0.25}, "what another check measured is shown too"
    assert line["unscored"] == {"diversity": "one sentence"}
    assert (line["id"], line["accepted"], line["reason"]) == ("7", False, "ifd_too_high")
    assert (line["ifd"], line["diversity"], line["tokens"], line["truncated"]) == (1.25, None, 9, 3)


def test_a_row_that_is_no_sample_has_them_too_and_keeps_its_id() -> None:
    for raw, own_id in ((b'{"id": 5}', "5"), (b"garbage", None), (b"[1]", None)):
        error = _read(raw, 1000)
        assert isinstance(error, InputError)
        line = _refused(raw, error)
        assert set(ASSESSED) < set(line)
        assert (line["id"], line["accepted"], line["reason"]) == (own_id, False, error.reason)
        assert all(line[name] is None for name in FIELDS)
        assert orjson.loads(orjson.dumps(line)) == line


def test_a_good_row_is_a_sample() -> None:
    assert isinstance(_read(b'{"instruction": "a", "output": "b"}', 1000), Sample)


def test_a_replayed_decision_keeps_every_stamp() -> None:
    line = decision_line(DECISION)
    assert line["scores"]["ifd"] == {"value": 1.25, "scorer": "i.v1", "unscored": ""}
    assert line["scores"]["diversity"]["unscored"] == "one sentence"
    assert line["proxy_version"] == 2


def test_a_replayed_round_names_what_it_made() -> None:
    from ccit.pipeline import plan
    from ccit.pool import Pool
    from tests.nouns import pooled

    pool = Pool()
    for number in range(10):
        pool.add(pooled(number))
    recipe = recipe_of()
    planned = plan(pool, Due("size", ""), version(), recipe, [], {0: 0})
    material = Material((), ())
    line = round_line(FinishedRound(planned, candidate(planned.round_id), verdict("hold"), None, Spend(), material))
    assert (line["round_id"], line["samples"], line["version"], line["outcome"]) == (planned.round_id, 10, None, "hold")
    assert line["deployed_adapter"] == "store://a"


def test_a_version_is_shown_with_its_intervals() -> None:
    assert version_row(version(), active=0) == ("0", "", "base model", "", "", "", "active")
    assert version_row(version(1, 0), active=0) == (
        "1",
        "0",
        "round-1",
        "60.0%",
        "+5.0 [+2.0, +8.0]",
        "+0.5 [-1.0, +2.0]",
        "",
    )


def test_a_fed_line_is_sent_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\x00\xffgarbage\n\n{}\n")
    assert [(raw.key, raw.value) for raw in _rows(path, 0)] == [(b"rows:1", b"\x00\xffgarbage"), (b"rows:2", b"{}")]
    assert [raw.value for raw in _rows(path, 1)] == [b"\x00\xffgarbage"]
    path.write_bytes(b'{"subject": "p-17", "instruction": "Why?", "output": "Because."}')
    assert [raw.key for raw in _rows(path, 0)] == [b"p-17"], "what one subject's rows say stays in order"
