from typing import Any

import pytest

from ccit.serving.messages import ChatMessage
from ccit.serving.refusals import RequestRefused


@pytest.mark.parametrize(
    "harmless",
    [
        {"content": None},
        {"content": None, "tool_calls": []},
        {"tool_calls": None, "function_call": None, "refusal": None, "audio": None, "annotations": []},
    ],
)
def test_an_assistants_message_as_clients_send_it_back_is_taken(harmless: dict[str, Any]) -> None:
    assert ChatMessage.model_validate({"role": "assistant", **harmless}).plain()["content"] == ""


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}, "tools are not supported"),
        ({"role": "tool", "content": "x", "tool_call_id": "1"}, "tools are not supported"),
        ({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}, "'image_url' are not"),
        ({"role": "user", "content": "x", "name": "Ann"}, r"messages\.name"),
        ({"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {}}]}, "cache_control"),
    ],
)
def test_what_would_change_the_answer_is_refused_by_name(message: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestRefused, match=said):
        ChatMessage.model_validate(message)
