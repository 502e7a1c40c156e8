from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import httpx
import openai
import pytest
from openai import OpenAI

from ccit.models.causal import CausalModel

if TYPE_CHECKING:
    from tests.unit.serving.conftest import Running, Serve

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def running(serve: Serve, adapters: list[dict[str, bytes]]) -> Iterator[Running]:
    with serve(max_new_tokens=300) as running:
        running.slots.load(1, adapters[1])
        running.slots.activate(1)
        yield running


@pytest.fixture(scope="module")
def client(running: Running) -> OpenAI:
    return running.client()


def greedy(base: CausalModel, prompt: list[int], tokens: int) -> str:
    """What transformers' own generate says, for comparison."""
    import torch

    out = base.model.generate(torch.tensor([prompt]), max_new_tokens=tokens, do_sample=False)[0, len(prompt) :]
    text: str = base.tokenizer.decode(out, skip_special_tokens=True)
    return text


def test_a_chat_answer_is_the_models_own(base: CausalModel, client: OpenAI) -> None:
    answer = client.chat.completions.create(model="ccit@0", messages=HELLO, temperature=0, max_tokens=40)
    prompt = base.chat.prompt(HELLO)
    assert answer.choices[0].message.content == greedy(base, prompt, 40)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (len(prompt), 40)


def test_a_completion_is_the_models_own(base: CausalModel, client: OpenAI) -> None:
    expected = greedy(base, base.tokenizer("Once")["input_ids"], 30)
    for prompt in ("Once", ["Once"], base.tokenizer("Once")["input_ids"]):
        answer = client.completions.create(model="ccit@0", prompt=prompt, temperature=0, max_tokens=30)
        assert answer.choices[0].text == expected


def test_every_answer_names_its_version(client: OpenAI) -> None:
    for model, number in (("ccit", 1), ("ccit@0", 0), ("ccit@1", 1)):
        raw = client.chat.completions.with_raw_response.create(model=model, messages=HELLO, max_tokens=2)
        answer = raw.parse()
        assert raw.headers["x-ccit-version"] == str(number)
        assert answer.model == f"ccit@{number}"
        assert answer.system_fingerprint == f"ccit-v{number}"
        assert answer.model_extra == {"ccit_version": number}


@pytest.mark.parametrize("model", ["ccit", "ccit@0"])
def test_a_stream_joined_is_the_whole_answer(client: OpenAI, model: str) -> None:
    asked: Any = {"model": model, "messages": HELLO, "max_tokens": 60, "temperature": 1.2, "top_p": 0.9, "seed": 5}
    whole = client.chat.completions.create(**asked)
    chunks = list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == whole.choices[0].finish_reason
    assert chunks[-1].usage == whole.usage
    assert {chunk.model_extra and chunk.model_extra["ccit_version"] for chunk in chunks} == {int(model == "ccit")}


def test_a_streamed_completion_joined_is_the_whole_answer(client: OpenAI) -> None:
    asked: Any = {"model": "ccit", "prompt": "Once", "max_tokens": 40, "temperature": 0}
    chunks = list(client.completions.create(**asked, stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == client.completions.create(**asked).choices[0].text
    assert chunks[-1].choices[0].finish_reason == "length"


def test_an_answer_ends_before_a_stop_text(client: OpenAI) -> None:
    asked: Any = {"model": "ccit", "messages": HELLO, "max_tokens": 80, "temperature": 0}
    full = client.chat.completions.create(**asked).choices[0].message.content
    assert full is not None
    stop = full[20:23]
    choice = client.chat.completions.create(**asked, stop=[stop, "\0never"]).choices[0]
    assert choice.message.content == full[: full.index(stop)]
    assert choice.finish_reason == "stop"


def test_content_parts_are_joined_and_systems_are_heard(client: OpenAI, base: CausalModel) -> None:
    parts: list[Any] = [{"role": "user", "content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]}]
    joined = client.chat.completions.create(model="ccit", messages=parts, temperature=0, max_tokens=9)
    plain = client.chat.completions.create(model="ccit", messages=HELLO, temperature=0, max_tokens=9)
    assert joined.choices == plain.choices
    with_system: list[Any] = [{"role": "developer", "content": "Be brief."}, *HELLO]
    answer = client.chat.completions.create(model="ccit", messages=with_system, max_tokens=1)
    expected = base.chat.prompt([{"role": "system", "content": "Be brief."}, *HELLO])
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == len(expected)


def test_models_lists_the_alias_and_the_versions_held(client: OpenAI, running: Running) -> None:
    assert [model.id for model in client.models.list()] == ["ccit", "ccit@0", "ccit@1"]
    told = [client.models.retrieve(name).model_extra or {} for name in ("ccit", "ccit@1", "ccit@0", "base")]
    assert [(one["ccit_version"], one["ccit_state"]) for one in told] == [
        *((1, "active"), (1, "active"), (0, "held"), (0, "held"))
    ]
    digests = [one["ccit_digest"] for one in told]
    assert digests == [running.slots.digests[1]] * 2 + ["", ""]
    assert len(digests[0]) == 64
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("ccit@7")


@pytest.mark.parametrize("model", ["gpt-4", "ccit@9", "ccit@", "ccit@-1", "ccit@x", "@1", ""])
@pytest.mark.parametrize("stream", [False, True])
def test_an_unknown_model_is_not_found(client: OpenAI, model: str, stream: bool) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model=model, messages=HELLO, stream=stream)
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages.0.role"),
        ({"messages": None}, "messages"),
        ({"model": 3}, "model"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"n": 9}, "n"),
        ({"n": 0}, "n"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"messages": [{"role": "user", "content": "x" * 2000}]}, "messages"),
    ],
)
def test_a_wrong_field_is_named_in_openais_envelope(running: Running, change: dict[str, Any], param: str) -> None:
    body = {"model": "ccit", "messages": HELLO, "max_tokens": 1} | change
    answer = httpx.post(f"{running.server.url}/v1/chat/completions", json=body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["param"].startswith(param)
    assert error["type"] == "invalid_request_error"
    assert answer.headers["x-ccit-version"] == "1"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b'{"model": NaN}', b"[" * 100_000, b'"\\ud800"'])
def test_what_is_no_json_object_is_refused(running: Running, body: bytes) -> None:
    answer = httpx.post(f"{running.server.url}/v1/chat/completions", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("change", ["messages", "tools", "extra", "stop"])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_deep_json_is_refused_wherever_it_stands(running: Running, change: str, opening: bytes, closing: bytes) -> None:
    deep = b'{"model":"ccit","messages":[],"' + change.encode() + b'":' + opening * 1000 + b"0" + closing * 1000 + b"}"
    answer = httpx.post(f"{running.server.url}/v1/chat/completions", content=deep)
    assert answer.status_code == 400
    assert "64 deep" in answer.json()["error"]["message"]


@pytest.mark.parametrize("unit", [b"0", b"{}", b'"a"', b'{"role":"user","content":""}'])
@pytest.mark.parametrize("field", ["messages", "prompt", "stop"])
def test_a_body_that_is_one_long_list_is_refused_at_once(running: Running, unit: bytes, field: str) -> None:
    listed = b"[" + b",".join([unit] * (3_900_000 // (len(unit) + 1))) + b"]"
    path = "completions" if field == "prompt" else "chat/completions"
    answer = httpx.post(
        f"{running.server.url}/v1/{path}", content=b'{"model":"ccit","' + field.encode() + b'":' + listed + b"}"
    )
    assert answer.status_code == 400
    assert "split it" in answer.json()["error"]["message"]


def test_as_many_messages_as_are_affordable_stop_at_the_first_fault(running: Running) -> None:
    for change in ([0] * 50_000, [{"role": "user"}] * 9_000, [{"role": "user", "content": [{}] * 9_000}]):
        answer = httpx.post(f"{running.server.url}/v1/chat/completions", json={"model": "ccit", "messages": change})
        assert answer.status_code == 400
        assert len(answer.json()["error"]["message"]) < 300
    answer = httpx.post(f"{running.server.url}/v1/chat/completions", json={"model": "ccit", "messages": HELLO * 10_001})
    assert "at most 10000 items" in answer.json()["error"]["message"]


@pytest.mark.parametrize("name", ["ccit@" + "1" * 5000, "x" * 50_000, "ccit@\uff11"])
def test_a_long_or_odd_name_of_a_model_is_not_found_and_not_repeated(running: Running, name: str) -> None:
    for answer in (
        httpx.post(f"{running.server.url}/v1/chat/completions", json={"model": name, "messages": HELLO}),
        httpx.get(f"{running.server.url}/v1/models/{name}"),
    ):
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "model_not_found"
        assert len(answer.json()["error"]["message"]) < 300


@pytest.mark.parametrize(
    "odd", [{"top_p": 5e-324}, {"temperature": 5e-324}, {"seed": -(2**63)}, {"seed": 2**64 - 1}, {"max_tokens": 2**63}]
)
def test_numbers_at_the_edges_are_answered(running: Running, odd: dict[str, Any]) -> None:
    body = {"model": "ccit", "messages": HELLO, "max_tokens": 2, "stop": "\0never", **odd}
    assert httpx.post(f"{running.server.url}/v1/chat/completions", json=body, timeout=60).status_code == 200


@pytest.mark.parametrize("number", ["18446744073709551616", "1e400", "NaN", "9" * 5000, "true", '"1"'])
@pytest.mark.parametrize("field", ["seed", "max_tokens", "temperature"])
def test_numbers_beyond_the_edges_are_refused(running: Running, field: str, number: str) -> None:
    body = f'{{"model": "ccit", "messages": [], "{field}": {number}}}'
    assert httpx.post(f"{running.server.url}/v1/chat/completions", content=body.encode()).status_code == 400


def test_a_prompt_far_too_long_is_refused_before_all_of_it_is_encoded(running: Running) -> None:
    text = "a b" * 1_000_000
    for path, asked in (
        ("chat/completions", {"messages": [{"role": "user", "content": text}]}),
        ("completions", {"prompt": text}),
    ):
        answer = httpx.post(f"{running.server.url}/v1/{path}", json={"model": "ccit", **asked})
        assert answer.json()["error"]["code"] == "context_length_exceeded"
        assert "at least" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01 no HTTP\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 66_000,
        b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    ],
)
def test_what_is_no_request_gets_the_envelope(running: Running, request_bytes: bytes) -> None:
    with socket.create_connection(("127.0.0.1", running.server.port), timeout=10) as connection:
        connection.sendall(request_bytes)
        answer = b""
        while piece := connection.recv(10_000):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b'"type":"invalid_request_error"' in body


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "TRACE", "NONSENSE"])
def test_other_methods_are_refused(running: Running, method: str) -> None:
    assert httpx.request(method, f"{running.server.url}/v1/chat/completions").status_code == 405


def test_a_huge_body_is_refused(running: Running) -> None:
    answer = httpx.post(f"{running.server.url}/v1/completions", content=b" " * 5_000_000)
    assert answer.status_code == 413


def test_odd_prompts_are_refused(client: OpenAI) -> None:
    for prompt in ("", [99999], [-1]):
        with pytest.raises(openai.BadRequestError):
            client.completions.create(model="ccit", prompt=prompt)


def test_a_prompt_that_fills_the_context_is_refused_and_one_that_nearly_does_is_answered(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(model="ccit", prompt="x" * 1024)
    assert caught.value.code == "context_length_exceeded"
    answer = client.completions.create(model="ccit", prompt="x" * 1020, max_tokens=50, temperature=0)
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 4


def test_the_servers_limit_caps_the_request(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="ccit", messages=HELLO, max_completion_tokens=900, temperature=0)
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 300


def test_unknown_paths_and_methods_get_the_envelope(running: Running) -> None:
    for method, path, status in (("GET", "/v2", 404), ("GET", "/v1/completions", 405), ("POST", "/health", 405)):
        answer = httpx.request(method, running.server.url + path)
        assert answer.status_code == status
        assert answer.json()["error"]["message"]


def test_a_token_is_asked_for_under_v1_only(serve: Serve) -> None:
    with serve(token="geheim") as running:
        assert running.client("geheim").chat.completions.create(model="ccit", messages=HELLO, max_tokens=1)
        for token in ("falsch", "geheim2"):
            answer = httpx.get(f"{running.server.url}/v1/models", headers={"authorization": f"Bearer {token}"})
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
        with pytest.raises(openai.AuthenticationError):
            running.client("falsch").models.list()
        assert httpx.get(f"{running.server.url}/v1/models").status_code == 401
        assert httpx.get(f"{running.server.url}/health").status_code == 200


def test_ready_only_when_the_follower_says_so(serve: Serve) -> None:
    with serve() as running:
        assert httpx.get(f"{running.server.url}/health").status_code == 200
        assert httpx.get(f"{running.server.url}/ready").status_code == 503
        running.readiness.set_ready()
        answer = httpx.get(f"{running.server.url}/ready")
        assert (answer.status_code, answer.json()["version"]) == (200, 0)
        running.readiness.set_unready("the broker is gone")
        answer = httpx.get(f"{running.server.url}/ready")
        assert (answer.status_code, answer.json()["detail"]) == (503, "the broker is gone")


def test_metrics_count_by_version_and_status(serve: Serve, adapters: list[dict[str, bytes]]) -> None:
    with serve() as running:
        client = running.client()
        client.chat.completions.create(model="ccit", messages=HELLO, max_tokens=3, temperature=0)
        running.slots.load(4, adapters[4])
        running.slots.activate(4)
        list(client.chat.completions.create(model="ccit", messages=HELLO, max_tokens=5, temperature=0, stream=True))
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model="ccit", messages=[])
        text = httpx.get(f"{running.server.url}/metrics").text
    for line in (
        'ccit_requests_total{status="200",version="0"} 1.0',
        'ccit_requests_total{status="200",version="4"} 1.0',
        'ccit_requests_total{status="400",version="4"} 1.0',
        'ccit_generation_tokens_total{version="0"} 3.0',
        'ccit_generation_tokens_total{version="4"} 5.0',
        'ccit_time_to_first_token_seconds_count{version="4"} 1.0',
        'ccit_inter_token_latency_seconds_count{version="4"} 4.0',
        'ccit_e2e_request_latency_seconds_count{version="4"} 1.0',
        'ccit_num_requests_running{version="4"} 0.0',
        "ccit_num_requests_waiting 0.0",
        "ccit_kv_cache_usage_perc 0.0",
        'ccit_kv_cache_blocks{state="used"} 0.0',
        "ccit_swaps_total 1.0",
        "ccit_active_version 4.0",
        "ccit_swap_seconds_count 1.0",
    ):
        assert line in text
