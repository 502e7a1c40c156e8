"""What every form of row comes down to: a system text, earlier turns, a question, its answer.

Refusals name fields and types, never what stands in them (it may be a patient's).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ccit.errors import InputError
from ccit.records import Turn

MAX_TURNS = 200


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and answer with what went before; only the answer is trained on."""

    instruction: str
    response: str
    history: tuple[Turn, ...] = ()
    system: str = ""


def wrong(field: str, expected: str, found: str) -> InputError:
    """The refusal of a field."""
    return InputError("wrong_schema", f"instruction row: {field}: expected {expected}, found {found}")


def json_type(value: Any) -> str:
    """What a JSON value is, in words."""
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")


def text_of(value: Any, field: str) -> str:
    """Text, or text in OpenAI's parts (`[{"type": "text", "text": ...}]`); null is empty. Raises `InputError`."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(_part(part, f"{field}.{number}") for number, part in enumerate(value))
    raise wrong(field, "text", json_type(value))


def required(value: Any, field: str) -> str:
    """Text without outer blanks, and not empty. Raises `InputError`."""
    text = text_of(value, field).strip()
    if not text:
        raise wrong(field, "text", "nothing" if value is None else "empty text")
    return text


def turns_of(value: Any, field: str) -> tuple[Turn, ...]:
    """Earlier turns from a list of [user, assistant] pairs; null is none. Raises `InputError`."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise wrong(field, "a list of [user, assistant] pairs", json_type(value))
    if len(value) > MAX_TURNS:
        raise wrong(field, f"at most {MAX_TURNS} turns", str(len(value)))
    return tuple(_turn(pair, f"{field}.{number}") for number, pair in enumerate(value))


def system_and_history(row: Mapping[str, Any]) -> tuple[str, tuple[Turn, ...]]:
    """LLaMA-Factory's columns beside the question; `meta.history` says the same as `history`.

    Raises
    ------
    InputError
        `wrong_schema`, also for two histories that differ.
    """
    meta = row.get("meta")
    inner = turns_of(meta.get("history"), "meta.history") if isinstance(meta, dict) else ()
    outer = turns_of(row.get("history"), "history")
    if inner and outer and inner != outer:
        raise wrong("history", "earlier turns in `history` or in `meta.history`", "other ones in each")
    return text_of(row.get("system"), "system").strip(), outer or inner


def _part(part: Any, field: str) -> str:
    if not isinstance(part, dict):
        raise wrong(field, "a part with a type", json_type(part))
    if part.get("type") != "text":
        raise wrong(f"{field}.type", "`text`", "another type of part")
    if not isinstance(part.get("text"), str):
        raise wrong(f"{field}.text", "text", json_type(part.get("text")))
    text: str = part["text"]
    return text


def _turn(pair: Any, field: str) -> Turn:
    if not isinstance(pair, list) or len(pair) != 2:
        found = f"a list of {len(pair)}" if isinstance(pair, list) else json_type(pair)
        raise wrong(field, "a pair [user, assistant]", found)
    for place, text in enumerate(pair):
        if not isinstance(text, str):
            raise wrong(f"{field}.{place}", "text", json_type(text))
    return Turn(*pair)
