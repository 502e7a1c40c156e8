"""The replies against the types of the openai package: fields that these require are there, and of their types.

They are not built from those types: `CompletionChoice` refuses the `finish_reason: null` that the chunks of a streamed
completion carry (OpenAI's own, too), and importing them takes a server about a second.
"""

from typing import Any

import pytest
from openai.types import Completion, CompletionUsage, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel

from ccit.serving.replies import Reply, model_entry, usage

CHAT = Reply.begin("chat", "ccit", 3, 1_700_000_000)
TEXT = Reply.begin("completion", "ccit", 3, 1_700_000_000)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (ChatCompletion, CHAT.whole("Rest.", "stop", 7, 2)),
        (ChatCompletion, CHAT.whole("", "length", 7, 1)),
        (ChatCompletionChunk, CHAT.chunk("", first=True)),
        (ChatCompletionChunk, CHAT.chunk("Re")),
        (ChatCompletionChunk, CHAT.chunk("", "stop")),
        (ChatCompletionChunk, CHAT.usage_chunk(7, 2)),
        (Completion, TEXT.whole("Rest.", "stop", 7, 2)),
        (Completion, TEXT.chunk("", "length")),
        (Completion, TEXT.usage_chunk(7, 2)),
        (CompletionUsage, usage(7, 2)),
        (Model, model_entry("ccit", 3, 1_700_000_000, pinned=True)),
    ],
)
def test_a_reply_is_of_the_type_that_the_client_library_has_for_it(kind: type[BaseModel], body: dict[str, Any]) -> None:
    read = kind.model_validate(body, strict=True)
    unknown = set(read.model_extra or {}) - {"ccit_version"}
    assert not unknown
    assert kind in (CompletionUsage, Model) or (read.model_extra or {})["ccit_version"] == 3
