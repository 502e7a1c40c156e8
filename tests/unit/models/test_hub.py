from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest

from ccit.errors import ModelUnusable
from ccit.models.hub import where

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def answer_with(monkeypatch: pytest.MonkeyPatch, outcome: Any) -> None:
    def model_info(self: Any, name: str, **options: Any) -> Any:
        if isinstance(outcome, Exception):
            raise outcome
        return SimpleNamespace(sha=outcome)

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)


def test_a_folder_and_a_commit_ask_no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answer_with(monkeypatch, AssertionError("the hub was asked"))
    assert where(str(tmp_path)) == {"local_files_only": True}
    assert where("Qwen/Qwen2.5-0.5B-Instruct", COMMIT) == {"revision": COMMIT}


def test_a_branch_is_pinned_to_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, COMMIT)
    assert where("Qwen/Qwen2.5-0.5B-Instruct", "main") == {"revision": COMMIT}


def test_without_a_net_only_the_cache_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, ConnectionError("no route"))
    assert where("Qwen/Qwen2.5-0.5B-Instruct") == {"revision": "main", "local_files_only": True}


@pytest.mark.parametrize("path", ["/no/such/folder", "./nothing", "a/b/c", "~/models"])
def test_a_path_with_nothing_there_is_not_looked_up(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    answer_with(monkeypatch, AssertionError("the hub was asked"))
    with pytest.raises(ModelUnusable, match="nothing is there"):
        where(path)


def test_a_name_that_no_hub_could_have_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, huggingface_hub.errors.HFValidationError("Repo id must be\nof a form"))
    with pytest.raises(ModelUnusable, match="neither a folder here nor on the hub") as caught:
        where("spaces are not allowed")
    assert "\n" not in str(caught.value)
