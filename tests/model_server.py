"""An OpenAI-compatible server in a thread, for the tests of generation: it counts what it is asked."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

Says = Callable[[dict[str, Any]], str | int]
"""From a request's body to the content of the reply, or to the status that it fails with."""


def record_in(asked: dict[str, Any]) -> str:
    """The record that a request shows, between its marks."""
    _, record, *_ = asked["messages"][1]["content"].split(asked["messages"][0]["content"].split("record-")[1][:24])
    return str(record).removesuffix("record-").strip()


def obedient(asked: dict[str, Any]) -> str:
    """A reply that satisfies every constraint: the record itself, as an answer."""
    record = record_in(asked)
    said = {"reasoning": "It stands there.", "question": "What does it say?", "answer": f"It says: {record}"}
    keys = asked["response_format"]["json_schema"]["schema"]["required"]
    return orjson.dumps({k: (said | {"evidence": [record[:40]]})[k] for k in keys}).decode()


class ModelServer:
    """What was asked, and how often the same."""

    def __init__(self, says: Says) -> None:
        self.says = says
        self.requests: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    @property
    def asked(self) -> Counter[bytes]:
        """Requests by their messages."""
        with self._lock:
            return Counter(orjson.dumps(one["messages"]) for one in self.requests)

    def answer(self, body: bytes) -> tuple[int, bytes]:
        asked = orjson.loads(body)
        with self._lock:
            self.requests.append(asked)
        said = self.says(asked)
        if isinstance(said, int):
            return said, b'{"error": {"message": "no"}}'
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}
        usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
        made = {"id": "1", "object": "chat.completion", "created": 0, "model": f"{asked['model']}@1"}
        return 200, orjson.dumps({**made, "choices": [choice], "usage": usage})


@contextmanager
def serving(says: Says = obedient) -> Iterator[tuple[ModelServer, str]]:
    """The server while the block runs, and its base URL."""
    model = ModelServer(says)

    class Connection(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, body = model.answer(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing on the tests' own output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Connection)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield model, f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
