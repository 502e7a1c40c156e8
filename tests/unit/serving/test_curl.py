"""The server asked by curl, as a person tries it out: whole, streamed, and with a body that is none."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.serving.conftest import Running, Serve

CHAT: dict[str, Any] = {
    "model": "ccit",
    "messages": [{"role": "user", "content": "Which dose?"}],
    "max_tokens": 5,
    "temperature": 0,
}


def curl(running: Running, body: str, *options: str) -> tuple[str, str]:
    """What came, and its status with the version that answered."""
    url = f"{running.server.url}/v1/chat/completions"
    command = ["curl", "--silent", "--include", "--max-time", "20", "--header", "content-type: application/json"]
    found = subprocess.run(
        [*command, *options, "--data-binary", "@-", url], input=body, capture_output=True, text=True, check=True
    ).stdout
    head, _, came = found.partition("\n\n")
    first, *headers = head.splitlines()
    version = next(line.partition(": ")[2] for line in headers if line.lower().startswith("x-ccit-version"))
    return came, f"{first.split()[1]} {version}"


def test_a_chat_streamed_or_not_says_the_same(serve: Serve, adapters: list[dict[str, bytes]]) -> None:
    with serve() as running:
        running.slots.load(2, adapters[2])
        running.slots.activate(2)
        whole, status = curl(running, json.dumps(CHAT))
        reply = json.loads(whole)
        assert (status, reply["model"], reply["usage"]["completion_tokens"]) == ("200 2", "ccit@2", 5)
        streamed, status = curl(running, json.dumps(CHAT | {"stream": True}), "--no-buffer")
    *events, done = [line.removeprefix("data: ") for line in streamed.splitlines() if line]
    assert (status, done) == ("200 2", "[DONE]")
    text = "".join(json.loads(event)["choices"][0]["delta"].get("content") or "" for event in events)
    assert text == reply["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{'model': 'ccit'}", "not valid JSON"),
        (json.dumps(CHAT | {"max_token": 5}), "did you mean 'max_tokens'?"),
        ("", "not valid JSON"),
    ],
    ids=["single quotes", "a field misspelt", "nothing"],
)
def test_a_bad_body_gets_a_sentence_that_says_what_to_do(serve: Serve, body: str, said: str) -> None:
    with serve() as running:
        came, status = curl(running, body)
        assert status.startswith("400")
        assert said in json.loads(came)["error"]["message"]
        assert curl(running, json.dumps(CHAT))[1] == "200 0"


def test_a_token_goes_in_the_header(serve: Serve) -> None:
    with serve(token="geheim") as running:
        assert curl(running, json.dumps(CHAT))[1].startswith("401")
        assert curl(running, json.dumps(CHAT), "--header", "authorization: Bearer geheim")[1] == "200 0"
