from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import ValidationError

from ccit.config_serving import Serving

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
    assert [(line["who"], line["action"], line["outcome"] == "done") for line in lines] == [
        ("ward", "/admin/pin", False),
        ("chief", "/admin/pin", False),
        ("chief", "/admin/pin", False),
        ("chief", "/admin/pin", True),
        ("chief", "/admin/rollback", False),
        ("chief", "/admin/unpin", True),
    ]
    assert log.stat().st_mode & 0o077 == 0


def test_it_is_off_by_default_and_wants_a_log(serve: Serve, tmp_path: Path) -> None:
    with serve(token="geheim") as running:
        headers = {"authorization": "Bearer geheim"}
        assert httpx.post(f"{running.server.url}/admin/pin", json={}, headers=headers).status_code == 404
    for wrong in ({"admin": ["chief"]}, {"admin": [""], "admin_log": tmp_path / "log"}):
        with pytest.raises(ValidationError, match="admin"):
            Serving.model_validate(wrong)
