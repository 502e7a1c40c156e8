"""The endpoint: what is sent, what is asked again, and whose fault an error is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import httpx2
import orjson
import pytest

from ccit.errors import EndpointUnavailable
from ccit.generation.asking import Answer, Request, RequestSampling, Unanswered
from ccit.generation.endpoint import Endpoint, RetryPolicy
from ccit.generation.replies import schema
from tests.unit.generation.parts import NOTE, prompt, said, source

ONE = Request(RequestSampling("m", 99, 0.5, 7), prompt().messages(source()), schema(False))
SECRET = "the patient s own words"
Served = Callable[[httpx2.Request], httpx2.Response]


def completion(content: str | None = None, finish: str | None = "stop", **more: Any) -> httpx2.Response:
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content, **more}}
    usage = {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}
    return httpx2.Response(200, json={"id": "x", "object": "chat.completion", "created": 0, "model": "m@2",
                                     "choices": [choice], "usage": usage})  # fmt: skip


def failing(status: int, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, json={"error": {"message": SECRET}}, headers=headers)


class Server:
    """Answers in order, the last one for ever; or by what is asked."""

    def __init__(self, *answers: httpx2.Response | Exception, by: Served | None = None) -> None:
        self._answers = answers
        self._by = by
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self._by(request) if self._by else self._answers[min(len(self.requests), len(self._answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return httpx2.Response(answer.status_code, content=answer.content, headers=answer.headers)


def ask(server: Served, requests: Sequence[Request] = (ONE,), attempts: int = 4) -> tuple[list[Answer], list[float]]:
    waits: list[float] = []

    async def pause(seconds: float) -> None:
        waits.append(seconds)

    async def each() -> list[Answer]:
        http = httpx2.AsyncClient(transport=httpx2.MockTransport(server))
        endpoint = Endpoint("http://model/v1", "k", RetryPolicy(5.0, attempts), pause, http)
        try:
            return [await endpoint.ask(request) for request in requests]
        finally:
            await endpoint.close()

    return asyncio.run(each()), waits


def test_what_is_sent_is_the_request_with_its_schema() -> None:
    (answer,), _ = ask(server := Server(completion(said())))
    sent = orjson.loads(server.requests[0].content)
    assert sent["response_format"]["type"] == "json_schema"
    assert sent["response_format"]["json_schema"]["schema"] == schema(False)
    assert next(iter(sent["response_format"]["json_schema"]["schema"]["properties"])) == "reasoning"
    assert [sent[key] for key in ("model", "max_tokens", "temperature", "seed")] == ["m", 99, 0.5, 7]
    assert [m["role"] for m in sent["messages"]] == ["system", "user"]
    assert NOTE in sent["messages"][1]["content"]
    assert server.requests[0].headers["authorization"] == "Bearer k"
    assert answer == Answer(said(), "stop", "", "m@2", 11)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503])
def test_what_may_heal_is_asked_again_by_us_and_not_by_the_client(status: int) -> None:
    (answer,), waits = ask(server := Server(failing(status), failing(status), completion("x")))
    assert (answer.text, len(server.requests), waits) == ("x", 3, [0.5, 1.0])


@pytest.mark.parametrize("fault", [httpx2.ConnectError("refused"), httpx2.ReadTimeout("late")])
def test_so_is_what_did_not_come(fault: Exception) -> None:
    (answer,), waits = ask(Server(fault, completion("x")))
    assert (answer.text, waits) == ("x", [0.5])


def test_a_pause_that_the_endpoint_names_is_kept_within_a_minute() -> None:
    headers = [{"retry-after": "7"}, {"retry-after": "9999"}, {"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}]
    _, waits = ask(Server(*(failing(429, **one) for one in headers), completion("x")))
    assert waits == [7.0, 60.0, 2.0]


def but_for(poison: httpx2.Response, good: httpx2.Response | None = None) -> Server:
    """Answers what holds no record, and nothing else."""

    def serve(request: httpx2.Request) -> httpx2.Response:
        return poison if b"shadow" in request.content else good or completion("x")

    return Server(by=serve)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_request_that_is_refused_is_one_dead_letter_that_quotes_nothing(status: int) -> None:
    with pytest.raises(Unanswered) as caught:
        ask(server := but_for(failing(status)))
    assert len(server.requests) == 2
    assert (caught.value.reason, str(status) in caught.value.detail) == ("unanswered", True)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_server_that_refuses_what_holds_no_record_costs_no_document(status: int) -> None:
    with pytest.raises(EndpointUnavailable, match=f"status {status}.*json_schema.*generation.max_tokens") as caught:
        ask(server := Server(failing(status)))
    record, without = (orjson.loads(one.content) for one in server.requests)
    assert NOTE not in str(without["messages"])
    assert record | {"messages": None} == without | {"messages": None}
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("status", [500, 400])
def test_one_request_that_never_gets_through_is_a_dead_letter_though_nothing_else_is_asked(status: int) -> None:
    """Else it would be asked for ever, at each start, and hold up all behind it."""
    with pytest.raises(Unanswered):
        ask(but_for(failing(status)), attempts=2)


def test_a_server_that_comes_up_at_the_last_moment_costs_no_document() -> None:
    (answer,), _ = ask(Server(failing(503), failing(503), completion("ready"), completion("x")), attempts=2)
    assert answer.text == "x"


def test_too_many_requests_are_no_fault_of_a_record() -> None:
    with pytest.raises(EndpointUnavailable, match="status 429"):
        ask(but_for(failing(429)), attempts=2)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_wrong_key_or_model_ends_the_process_at_once(status: int) -> None:
    with pytest.raises(EndpointUnavailable, match=f"status {status}.*generation.model") as caught:
        ask(server := Server(failing(status)))
    assert len(server.requests) == 1
    assert SECRET not in str(caught.value)


def test_a_server_that_is_down_costs_no_document() -> None:
    with pytest.raises(EndpointUnavailable, match="no connection"):
        ask(server := Server(httpx2.ConnectError("refused")), attempts=3)
    assert len(server.requests) == 4  # the last one without a record


def test_one_request_that_never_gets_through_while_others_do_is_a_dead_letter() -> None:
    """Others are in flight beside it: what it is that stops it is in the request."""

    async def together() -> tuple[Any, ...]:
        def serve(request: httpx2.Request) -> httpx2.Response:
            return failing(500) if b"poison" in request.content else completion("x")

        other = asyncio.Event()

        async def pause(_: float) -> None:
            await other.wait()

        async def beside() -> Answer:
            answer = await endpoint.ask(ONE)
            other.set()
            return answer

        http = httpx2.AsyncClient(transport=httpx2.MockTransport(serve))
        endpoint = Endpoint("http://model/v1", "", RetryPolicy(5.0, 3), pause, http)
        poison = Request(RequestSampling("m"), ({"role": "user", "content": "poison"},), {})
        return tuple(await asyncio.gather(endpoint.ask(poison), beside(), return_exceptions=True))

    failed, answered = asyncio.run(together())
    assert isinstance(failed, Unanswered)
    assert isinstance(answered, Answer)


@pytest.mark.parametrize(
    ("served", "expected"),
    [
        (completion(None, "length"), Answer("", "length", "", "m@2", 11)),
        (completion(None, "stop", refusal="I cannot."), Answer("", "stop", "I cannot.", "m@2", 11)),
        (completion("x", None), Answer("x", "none", "", "m@2", 11)),
        (httpx2.Response(200, json={"choices": []}), Answer("", "no choice")),
        (httpx2.Response(200, json={}), Answer("", "no choice")),
        (
            httpx2.Response(
                200, content=b'{"choices": [{"finish_reason": "stop", "message": {"content": "a\\ud800"}}]}'
            ),
            Answer("a?"),
        ),
    ],
)
def test_what_a_nearly_compatible_endpoint_says_is_an_answer_all_the_same(
    served: httpx2.Response, expected: Answer
) -> None:
    served.headers["content-type"] = "application/json"
    (answer,), _ = ask(Server(served))
    assert answer == expected


MALFORMED = [
    b'{"choices": [{"finish_reason": "stop", "mess',
    b'{"choices": [{"message": {"content": ["a"]}}]}',
    b'{"choices": {"message": {"content": "a"}}}',
    b'{"choices": ["a"]}',
    b"[1]",
    b"7",
]


def of_json(content: bytes, kind: str = "application/json") -> httpx2.Response:
    return httpx2.Response(200, content=content, headers={"content-type": kind})


@pytest.mark.parametrize("served", [*map(of_json, MALFORMED), of_json(b"<p>Please log in</p>", "text/html")])
def test_what_is_no_chat_completion_is_asked_again_and_crashes_nothing(served: httpx2.Response) -> None:
    (answer,), waits = ask(Server(served, completion("x")))
    assert (answer.text, waits) == ("x", [0.5])
    with pytest.raises(EndpointUnavailable, match="no chat completion"):
        ask(Server(served), attempts=2)
    with pytest.raises(Unanswered, match="no chat completion"):
        ask(but_for(served), attempts=2)


@pytest.mark.parametrize("tokens", [b'"7"', b"-7", b"7.5", b"true", b"{}", b"null"])
def test_a_count_that_is_none_and_a_reason_that_is_a_number_do_not_get_into_an_answer(tokens: bytes) -> None:
    served = of_json(
        b'{"choices": [{"finish_reason": 3, "message": {"content": "a"}}], "usage": {"total_tokens": %b}}' % tokens
    )
    (answer,), _ = ask(Server(served))
    assert answer == Answer("a", "3")


def test_what_came_too_late_counts_at_the_most_it_may_have_taken() -> None:
    late = httpx2.ReadTimeout("late")
    (answer,), _ = ask(Server(late, failing(503), late, completion("x")))
    assert (answer.tokens, answer.lost) == (11, 2 * ONE.most_tokens)

    def serve(request: httpx2.Request) -> httpx2.Response:
        if b"shadow" in request.content:
            raise late
        return completion("x")

    with pytest.raises(Unanswered) as caught:
        ask(Server(by=serve), attempts=2)
    assert caught.value.lost == 3 * ONE.most_tokens + 11
