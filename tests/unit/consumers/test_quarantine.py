"""Finding one by its id; the rest is in `test_score_step.py` and tests/integration/test_quarantine.py."""

from __future__ import annotations

import pytest

from ccit.errors import ConfigError
from ccit.events import SampleReleased, encode
from ccit.records import Decision, Position
from consumers.kafka.messages import KafkaMessage
from consumers.quarantine import Quarantined, _released_id, one_of
from tests.nouns import sample

FOUND = [
    Quarantined(name, Position(0, n), 0, "mismatch", "ifd_too_high", 1.2, "ward", "en")
    for n, name in enumerate(("3fa1", "3fb2", "70c3"))
]


def test_the_beginning_of_an_id_is_enough_where_it_fits_one() -> None:
    assert one_of(FOUND, "7").position == Position(0, 2)
    assert one_of(FOUND, "3fb2") is FOUND[1]


def test_what_let_nothing_in_releases_nothing() -> None:
    decision = Decision(sample(0), False, "ifd_too_high", owner="ifd", annotations={"quarantine": "mismatch"})
    value, headers = encode(SampleReleased(decision, Position(0, 3), "the ward"), at=0.0, source="test")
    key = decision.sample.sample_id.encode()
    assert _released_id(KafkaMessage("releases", 0, 0, key, value, headers)) == decision.sample.sample_id
    assert _released_id(KafkaMessage("releases", 0, 1, b"\xff", b"a stranger's")) == ""
    assert _released_id(KafkaMessage("releases", 0, 2, key, b"{}", headers)) == ""


@pytest.mark.parametrize(("name", "said"), [("3f", "2 samples"), ("9", "found none"), ("", "found none")])
def test_what_fits_none_or_several_is_an_error_that_says_so(name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        one_of(FOUND, name)
