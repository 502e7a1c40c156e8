"""Versions change under running requests: nothing fails, and no answer mixes two versions."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import openai
import pytest

from ccit.errors import ArtifactDamaged, ModelUnusable
from ccit.store.files import FileStore

if TYPE_CHECKING:
    from tests.unit.serving.conftest import Running, Serve

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]


def swap(running: Running, number: int, adapters: list[dict[str, bytes]]) -> None:
    running.slots.load(number, adapters[number])
    running.slots.activate(number)


def settled(running: Running, seconds: float = 10) -> bool:
    """Whether all leases end soon."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not running.slots.in_use:
            return True
        time.sleep(0.01)
    return False


def test_a_stream_ends_on_the_version_that_began_it(serve: Serve, adapters: list[dict[str, bytes]]) -> None:
    with serve(keep=1) as running:
        client = running.client()
        swap(running, 1, adapters)
        asked: Any = {"model": "ccit", "messages": HELLO, "max_tokens": 400, "temperature": 0}
        alone = client.chat.completions.create(**asked)
        stream = client.chat.completions.create(**asked, stream=True)
        chunks = [next(stream) for _ in range(3)]
        swap(running, 2, adapters)
        assert list(running.slots.held) == [0, 1, 2]  # 1 is over the cap, but in use
        newer = client.chat.completions.create(model="ccit", messages=HELLO, max_tokens=5)
        assert newer.model == "ccit@2"
        chunks += list(stream)
        assert {chunk.model for chunk in chunks} == {"ccit@1"}
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        assert text == alone.choices[0].message.content
        assert settled(running)
        assert list(running.slots.held) == [0, 2]
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="ccit@1", messages=HELLO)


def test_hundreds_of_requests_over_many_swaps_never_fail(serve: Serve, adapters: list[dict[str, bytes]]) -> None:
    with serve(concurrency=2, keep=2) as running:
        client = running.client()
        seen: Counter[str] = Counter()
        failed: list[Exception] = []
        answers: dict[str, set[str]] = {}

        def ask(count: int) -> None:
            for index in range(count):
                try:
                    if index % 2:
                        answer = client.chat.completions.create(
                            model="ccit", messages=HELLO, max_tokens=8, temperature=0
                        )
                        name, text = answer.model, answer.choices[0].message.content or ""
                    else:
                        stream = client.chat.completions.create(
                            model="ccit", messages=HELLO, max_tokens=8, temperature=0, stream=True
                        )
                        chunks = list(stream)
                        (name,) = {chunk.model for chunk in chunks}
                        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
                except (openai.OpenAIError, ValueError) as error:
                    failed.append(error)
                else:
                    seen[name] += 1
                    answers.setdefault(name, set()).add(text)

        clients = [threading.Thread(target=ask, args=(60,), daemon=True) for _ in range(4)]
        for thread in clients:
            thread.start()
        while any(thread.is_alive() for thread in clients):
            done = sum(seen.values()) + len(failed)
            target = min(done // 25, 11)
            if running.slots.active != target:
                swap(running, target, adapters)
            time.sleep(0.005)
        for thread in clients:
            thread.join()
        assert failed == []
        assert sum(seen.values()) == 240
        assert len(seen) >= 5
        assert all(len(texts) == 1 for texts in answers.values())  # greedy: one version, one answer


def test_a_rollback_is_a_flip(serve: Serve, adapters: list[dict[str, bytes]]) -> None:
    with serve() as running:
        client = running.client()
        asked: Any = {"model": "ccit", "messages": HELLO, "max_tokens": 20, "temperature": 0}
        texts = []
        for number in (1, 2):
            swap(running, number, adapters)
            texts.append(client.chat.completions.create(**asked).choices[0].message.content)
        running.slots.activate(1)
        again = client.chat.completions.create(**asked)
        assert (again.model, again.choices[0].message.content) == ("ccit@1", texts[0])
        assert texts[0] != texts[1]


def test_a_damaged_adapter_is_refused_while_the_old_one_serves(
    serve: Serve, adapters: list[dict[str, bytes]], tmp_path: Any
) -> None:
    store = FileStore(tmp_path)
    artifact = store.put_files(adapters[2])
    victim = tmp_path / "objects" / artifact.files["adapter_model.safetensors"]
    content = bytearray(victim.read_bytes())
    content[-1] ^= 1
    victim.write_bytes(content)
    with serve() as running:
        swap(running, 1, adapters)
        with pytest.raises(ArtifactDamaged):
            running.slots.load(2, store.read(artifact))
        with pytest.raises(ModelUnusable):
            running.slots.load(2, {**adapters[2], "adapter_config.json": b"[]"})
        assert running.client().chat.completions.create(model="ccit", messages=HELLO, max_tokens=2).model == "ccit@1"
        assert running.slots.held == (0, 1)


def test_a_client_that_leaves_gives_its_turn_and_slot_back(serve: Serve, adapters: list[dict[str, bytes]]) -> None:
    with serve(concurrency=1, max_new_tokens=900) as running:
        swap(running, 1, adapters)
        client = running.client()
        stream = client.chat.completions.create(
            model="ccit", messages=HELLO, max_tokens=900, temperature=0, stream=True
        )
        next(stream)
        stream.close()
        with pytest.raises(openai.APITimeoutError):
            client.with_options(timeout=0.2).chat.completions.create(
                model="ccit", messages=HELLO, max_tokens=900, temperature=0
            )
        assert settled(running)
        assert client.chat.completions.create(model="ccit", messages=HELLO, max_tokens=1).model == "ccit@1"


def test_a_full_line_is_refused_and_the_rest_is_answered(serve: Serve) -> None:
    with serve(concurrency=1, queue=1, max_new_tokens=400) as running:
        client = running.client()
        streams = client.chat.completions.create(
            model="ccit", messages=HELLO, max_tokens=400, temperature=0, stream=True
        )
        next(streams)
        waiting: list[str] = []
        second = threading.Thread(
            target=lambda: waiting.append(
                client.chat.completions.create(model="ccit", messages=HELLO, max_tokens=2).model
            )
        )
        second.start()
        while not running.engine.waiting:
            time.sleep(0.001)
        with pytest.raises(openai.InternalServerError) as caught:
            client.chat.completions.create(model="ccit", messages=HELLO, max_tokens=2)
        assert caught.value.status_code == 503
        assert caught.value.response.headers["retry-after"] == "1"
        streams.close()
        second.join()
        assert waiting == ["ccit@0"]
