from __future__ import annotations

import pytest

from ccit.errors import InputError
from consumers.content_type import content_type, require_json
from consumers.kafka.messages import Headers, KafkaMessage, ReadFault


def message(*headers: tuple[str, bytes | None]) -> KafkaMessage:
    found: Headers = headers
    return KafkaMessage("t", 0, 0, None, b"{}", found)


@pytest.mark.parametrize("name", ["content-type", "Content-Type", "CONTENT-TYPE"])
def test_the_name_of_the_header_has_no_case(name: str) -> None:
    require_json(message((name, b"application/json")))
    with pytest.raises(InputError, match="text/xml"):
        require_json(message((name, b"text/xml")))


def test_the_last_one_counts_and_none_at_all_is_json() -> None:
    require_json(message(("Content-Type", b"text/xml"), ("content-type", b"application/json")))
    require_json(message(("content-type", None)))
    require_json(message())


def test_what_did_not_come_whole_is_refused_for_its_own_reason() -> None:
    broken = KafkaMessage("t", 0, 0, None, b"{}", fault=ReadFault("too_large", "expected less"))
    with pytest.raises(InputError, match="too_large: expected less"):
        content_type(broken)
