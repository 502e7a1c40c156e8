"""Which proxy `ccit assess` scores with, in which number type, by which checks, and what it says of a row."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from ccit.assembly.scoring import ScoringParts
from ccit.cli import assess
from ccit.config import Config, Models
from ccit.console import Console
from ccit.plugins import kind_of, plugins
from ccit.ports.selection import Check, PolicyContext
from ccit.scoring.index import ExactIndex
from ccit.selection.admission import Admission, Selector
from ccit.selection.admitted import AdmittedSamples
from ccit.testing import FixedProxy, LetterEmbedder, check_context
from tests.nouns import version

COMMIT = "7ae557604adf67be50417f59c2c2f167def9a775"


@pytest.fixture(autouse=True)
def demo_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assess, "_demo_proxy", lambda _: Path("demo-proxy"))


@pytest.mark.parametrize(
    ("asked", "configured", "expected"),
    [
        (None, Models(), ("demo-proxy", "")),
        (None, Models(proxy="folder"), ("folder", "")),
        (None, Models(proxy_revision=COMMIT), ("Qwen/Qwen2.5-0.5B-Instruct", COMMIT)),
        ("folder", Models(proxy="other", proxy_revision=COMMIT), ("folder", "")),
        (f"owner/model@{COMMIT}", Models(), ("owner/model", COMMIT)),
    ],
)
def test_the_proxy_asked_for_comes_first_then_the_configured_one_then_the_demos(
    asked: str | None, configured: Models, expected: tuple[str, str]
) -> None:
    with Console(silent=True) as console:
        assert assess._proxy(asked, Config(models=configured), console) == expected


def test_a_folder_may_have_an_at_sign(tmp_path: Path) -> None:
    folder = tmp_path / "model@3"
    folder.mkdir()
    with Console(silent=True) as console:
        assert assess._proxy(str(folder), Config(), console) == (str(folder), "")


@pytest.mark.parametrize(
    ("configured", "used"), [("auto", "float32"), ("float32", "float32"), ("bfloat16", "bfloat16")]
)
def test_a_file_is_scored_in_the_type_that_machines_agree_on_unless_another_is_named(
    configured: str, used: str
) -> None:
    assert assess._exact(configured) == used


def test_the_checks_that_are_asked_for_measure_and_none_refuses() -> None:
    configured = Config(selection={"checks": {"length": {"min": 3}}})
    some = assess._measuring("length, relevance", configured)
    assert {kind: kind_of(table) for kind, table in some.checks.items()} == {
        "length": "length",
        "relevance": "relevance",
    }
    assert some.checks["length"] == configured.selection.checks["length"]
    assert kind_of(some.policy) == "accept_all"
    assert set(assess._measuring("all", configured).checks) == set(plugins("check"))


def test_a_check_that_there_is_not_is_named() -> None:
    with pytest.raises(click.BadParameter, match="'relevence'"):
        assess._measuring("relevence", Config())


def test_a_line_says_what_was_measured_what_was_not_and_who_would_refuse(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"lang": "en", "instruction": "Dose?", "output": "Rest. Then take the"}\n')
    context = check_context()
    checks: dict[str, Check] = {
        kind: plugins("check")[kind].cls(plugins("check")[kind].settings(), context)
        for kind in ("agreement", "completeness", "length")
    }
    admitted, embedder = AdmittedSamples({"sample": ExactIndex(26)}), LetterEmbedder()
    selector = Selector.of(plugins("policy")["accept_all"].settings(), PolicyContext(seed=0))
    admission = Admission(checks, selector, admitted, embedder, all_scores=True)
    parts = ScoringParts(version(), admission, admitted, FixedProxy(), embedder, len, checks)
    with Console(silent=True) as console:
        (line,) = assess._assessed(path, parts, 1000, 64, console)
    assert line["accepted"]
    assert line["scores"]["completeness"] == 0.0
    assert line["unscored"] == {"agreement": "too few accepted questions are near"}
    assert line["refused"] == {"completeness": "incomplete", "length": "too_short"}
