"""Which proxy `ccit assess` scores with, and in which number type."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccit.cli import assess
from ccit.config import Config, Models
from ccit.console import Console

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
