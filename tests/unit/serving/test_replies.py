"""The replies against the types of the openai package: fields that these require are there, and of their types.

They are not built from those types: `CompletionChoice` refuses the `finish_reason: null` that the chunks of a streamed
completion carry (OpenAI's own, too), and importing them takes a server about a second.
"""

from typing import Any

import pytest
from openai.types import Completion, CompletionUsage, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel

from ccit.ports.serving import Delta, Drawn, Logprob
from ccit.serving.replies import Choice, ReplyHead, model_entry, usage

CHAT = ReplyHead.begin("chat", "ccit", 3, 1_700_000_000)
TEXT = ReplyHead.begin("completion", "ccit", 3, 1_700_000_000)
TOLD = Drawn(Logprob(b"\xc3", -0.5), (Logprob(b"No", -0.4), Logprob(b"\xc3", -0.5)))
REST = Choice("Rest.", 2, "stop", [TOLD, TOLD])


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (ChatCompletion, CHAT.whole([REST, REST], 7)),
        (ChatCompletion, CHAT.whole([Choice("", 1, "length")], 7)),
        (ChatCompletionChunk, CHAT.first_chunk(0)),
        (ChatCompletionChunk, CHAT.chunk(1, Delta("Re", 1, None, TOLD))),
        (ChatCompletionChunk, CHAT.chunk(0, Delta("", 2, "stop"))),
        (ChatCompletionChunk, CHAT.usage_chunk(7, 2)),
        (Completion, TEXT.whole([REST], 7)),
        (Completion, TEXT.chunk(0, Delta("", 2, "length", TOLD))),
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
