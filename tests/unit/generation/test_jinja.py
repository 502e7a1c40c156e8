"""The sandbox, names and digests."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccit.errors import ConfigError
from ccit.generation.jinja import TEXTS, JinjaFiles, block


def write(folder: Path, **files: str) -> JinjaFiles:
    for name, content in files.items():
        (folder / f"{name.replace('__', '.')}.jinja").write_text(content, "utf-8")
    return JinjaFiles(folder)


@pytest.mark.parametrize("escape", ["{{ ''.__class__.__mro__ }}", "{{ record.__init__ }}", "{{ items.append(1) }}"])
def test_a_file_reaches_nothing_outside_of_its_values(tmp_path: Path, escape: str) -> None:
    files = write(tmp_path, a__v1=f"{{% block user %}}{escape}{{% endblock %}}")
    with pytest.raises(ConfigError, match="cannot be rendered"):
        block(files.template("a.v1"), "user", {"record": "text", "items": []})


def test_jinja_in_a_record_is_text(tmp_path: Path) -> None:
    files = write(tmp_path, a__v1="{% block user %}{{ record }}{% endblock %}")
    assert block(files.template("a.v1"), "user", {"record": "{{ 7 * 7 }}{% raw %}"}) == "{{ 7 * 7 }}{% raw %}"


def test_the_digest_is_that_of_the_file_and_of_what_it_includes(tmp_path: Path) -> None:
    files = write(tmp_path, a__v1='{% include "_part.v1.jinja" %}', _part__v1="one")
    before = files.digest("a.v1")
    write(tmp_path, _part__v1="two")
    assert JinjaFiles(tmp_path).digest("a.v1") != before


def test_an_own_file_hides_the_one_of_its_name(tmp_path: Path) -> None:
    write(tmp_path, summary__v1="{% block user %}mine{% endblock %}")
    files = JinjaFiles(tmp_path, TEXTS / "prompts" / "en")
    assert block(files.template("summary.v1"), "user", {}) == "mine"


@pytest.mark.parametrize("name", ["summary", "../summary.v1", "summary.v0", "none.v1", "_rules.v1"])
def test_what_is_no_file_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigError):
        JinjaFiles(TEXTS / "prompts" / "en").template(name)


def test_a_file_that_is_no_jinja_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read as Jinja"):
        write(tmp_path, a__v1="{% block user %}").template("a.v1")
