from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import httpx
import openai
import pytest

from ccit.testing import LetterEmbedder

if TYPE_CHECKING:
    from tests.unit.serving.conftest import Running, Serve

TEXTS = ["a dose", "another"]


class Letters(LetterEmbedder):
    """Reads ten letters."""

    def lengths(self, texts: Sequence[str]) -> list[int]:
        return [len(text) for text in texts]

    def unseen(self, texts: Sequence[str]) -> list[int]:
        return [max(0, len(text) - 10) for text in texts]


@pytest.fixture(scope="module")
def running(serve: Serve) -> Iterator[Running]:
    with serve(embedder=Letters) as running:
        yield running


@pytest.mark.parametrize("form", [{}, {"encoding_format": "float"}, {"encoding_format": "base64"}, {"dimensions": 26}])
def test_vectors_are_the_embedders_own_and_tokens_are_counted(running: Running, form: dict[str, Any]) -> None:
    answer = running.client().embeddings.create(model="embedder", input=TEXTS, **form)
    expected = Letters().embed(TEXTS).tolist()
    found = [one.embedding for one in answer.data]
    if form.get("encoding_format") != "base64":  # the client decodes what it asked for by itself
        assert found == expected
    assert [one.index for one in answer.data] == [0, 1]
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 13
    assert running.client().embeddings.create(model="embedder", input=TEXTS[0]).data[0].embedding == expected[0]


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"input": ["a", ""]}, "input.1"),
        ({"input": ["a", "eleven letters"]}, "input.1"),
        ({"input": []}, "input"),
        ({"input": [[1, 2]]}, "input"),
        ({"dimensions": 7}, "dimensions"),
        ({"truncate": True}, "truncate"),
    ],
)
def test_what_cannot_be_embedded_whole_is_refused(running: Running, wrong: dict[str, Any], param: str) -> None:
    asked = {"model": "embedder", "input": "a"} | wrong
    answer = httpx.post(f"{running.server.url}/v1/embeddings", json=asked)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"].startswith(param)


def test_another_model_is_not_found_and_without_an_embedder_nothing_is(running: Running, serve: Serve) -> None:
    for model in ("ccit", "text-embedding-3-small"):
        with pytest.raises(openai.NotFoundError, match="'embedder' here"):
            running.client().embeddings.create(model=model, input="a")
    with serve() as without, pytest.raises(openai.NotFoundError):
        without.client().embeddings.create(model="embedder", input="a")
