from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import ValidationError

from ccit.config import Serving

if TYPE_CHECKING:
    from tests.unit.serving.conftest import Serve


def test_an_operator_pins_and_unpins_and_every_attempt_is_written_down(
    serve: Serve, adapters: list[dict[str, bytes]], tmp_path: Path
) -> None:
    tokens, log = tmp_path / "tokens", tmp_path / "admin.jsonl"
    tokens.write_text("chief first\nward second\n")
    with serve(tokens_file=tokens, admin=["chief"], admin_log=log) as running:
        running.slots.load(1, adapters[1])
        running.slots.activate(1)

        def ask(action: str, token: str = "first", **wish: Any) -> int:
            headers = {"authorization": f"Bearer {token}"}
            return httpx.post(f"{running.server.url}/admin/{action}", json=wish, headers=headers).status_code

        assert ask("pin", "third", version=0, expected=1) == 401
        assert ask("pin", "second", version=0, expected=1) == 403
        assert ask("pin", version=0, expected=7) == 409
        assert ask("pin", version=9, expected=1) == 409
        assert ask("pin", version=0) == 400
        assert running.slots.active == 1
        assert ask("pin", version=0, expected=1) == 200
        assert running.slots.active == 0
        assert ask("rollback", version=0, expected=0) == 409
        assert ask("unpin", expected=0) == 200
        lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [
        (line["who"], line["action"], line["outcome"]) for line in lines if line["outcome"] in ("asked", "done")
    ] == [
        ("chief", "/admin/pin", "asked"),
        ("chief", "/admin/pin", "asked"),
        ("chief", "/admin/pin", "asked"),
        ("chief", "/admin/pin", "done"),
        ("chief", "/admin/rollback", "asked"),
        ("chief", "/admin/unpin", "asked"),
        ("chief", "/admin/unpin", "done"),
    ]
    attempts = [list(group) for _, group in groupby(lines, lambda line: line["attempt"])]
    ward, wrong, away, unread, *_ = attempts
    assert len(attempts) == 7
    assert ["may not steer" in ward[0]["outcome"], "expected" in unread[0]["outcome"]] == [True, True]
    assert [len(attempt) for attempt in attempts] == [1, 2, 2, 1, 2, 2, 2]
    assert ["not 7 as expected" in wrong[1]["outcome"], "not held" in away[1]["outcome"]] == [True, True]
    assert log.stat().st_mode & 0o077 == 0


def test_without_a_line_of_what_is_asked_nothing_is_done(
    serve: Serve, adapters: list[dict[str, bytes]], tmp_path: Path
) -> None:
    (tmp_path / "tokens").write_text("chief first\n")
    with serve(tokens_file=tmp_path / "tokens", admin=["chief"], admin_log=tmp_path / "away" / "log") as running:
        running.slots.load(1, adapters[1])
        headers = {"authorization": "Bearer first"}
        asked = {"version": 1, "expected": 0}
        reply = httpx.post(f"{running.server.url}/admin/pin", json=asked, headers=headers)
        assert (reply.status_code, running.slots.active) == (503, 0)
        assert "admin_log" in reply.json()["error"]["message"]


def test_it_is_off_by_default_and_wants_a_log(serve: Serve, tmp_path: Path) -> None:
    with serve(token="geheim") as running:
        headers = {"authorization": "Bearer geheim"}
        assert httpx.post(f"{running.server.url}/admin/pin", json={}, headers=headers).status_code == 404
    for wrong in ({"admin": ["chief"]}, {"admin": [""], "admin_log": tmp_path / "log"}):
        with pytest.raises(ValidationError, match="admin"):
            Serving.model_validate(wrong)
