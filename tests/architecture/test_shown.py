"""What a log line or a traceback would show of the values at the hospital's door: nothing that a sender wrote."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

ROOMS = ("ccit.clinical", "ccit.ingest", "ccit.deidentify", "ccit.ports.clinical", "ccit.ports.deidentify")
ALSO = ("ccit.ports.ingest", "consumers.mllp", "consumers.kafka.messages")
OURS = {
    *("Origin.kind", "Piece.kind"),  # of a closed list
    "Origin.message_digest",
    *("Note.kind", "Note.detail", "ReadFault.reason", "ReadFault.detail", "ReadFault.lost", "Span.rule"),
    *("Received.said", "_Heard.said"),  # a sentence of ours
    *("Piece.place", "Piece.content_type", "KafkaMessage.topic", "Message.codec"),
    *("Fact.kind", "ResourceFields.*", "SegmentFields.*", "Separators.*"),
    *("Header.mark", "Header.encoding"),  # punctuation
    *("ConversationForm.*", "Exchange.*", "PairForm.*"),  # of rows, which are not identified
    *("CleanDocument.masked", "RecogniserContext.regions"),
    *("Output.topic", "Output.key", "Output.value", "Output.headers"),  # of what leaves, which tests read so
}
_TEXT = re.compile(r"\b(str|bytes|Any|object|Headers|Mapping|dict)\b")


def shown() -> Iterator[str]:
    """Fields of dataclasses that hold text and stand in a `repr`."""
    for room in (*ROOMS, *ALSO):
        package = importlib.import_module(room)
        inner = pkgutil.walk_packages(getattr(package, "__path__", ()), f"{room}.")
        for module in (package, *(importlib.import_module(one.name) for one in inner)):
            for _, cls in inspect.getmembers(module, inspect.isclass):
                if is_dataclass(cls) and cls.__module__ == module.__name__ and "__repr__" in vars(cls):
                    yield from (f"{cls.__name__}.{f.name}" for f in fields(cls) if f.repr and _TEXT.search(str(f.type)))


def test_no_text_of_a_record_stands_in_a_repr() -> None:
    found = set(shown())
    assert {one for one in found if one not in OURS and f"{one.partition('.')[0]}.*" not in OURS} == set()
    assert {one for one in OURS if not one.endswith("*")} <= found
