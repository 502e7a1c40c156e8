"""What goes wrong with records on their way: each function damages a sound text in one named way."""

import json
import random
import re
from enum import StrEnum

_SENTENCE_END = re.compile(r"(?<=\.)\s+")
_SMALL_WORDS = {"the": "this", "is": "was", "a": "one", "and": "then", "should": "must", "we": "they", "do": "did"}


class Truth(StrEnum):
    """What the generator knows about a message, and its receiver must find out."""

    CLEAN = "clean"
    REDUNDANT = "redundant"
    NEAR_DUPLICATE = "near_duplicate"
    EXACT_DUPLICATE = "exact_duplicate"
    WRONG_ANSWER = "wrong_answer"
    TRUNCATED = "truncated"
    ONE_WORD = "one_word"
    REPETITIVE = "repetitive"
    GARBAGE = "garbage"


def sentences(text: str) -> list[str]:
    """Split a generated text into its sentences.

    >>> sentences("Give it. Then wait.")
    ['Give it.', 'Then wait.']
    """
    return _SENTENCE_END.split(text)


def truncated(text: str, rng: random.Random) -> str:
    """Cut the text in the middle of its first sentence or of a later one."""
    words = text.split()
    cut = rng.randint(2, max(2, len(words) - 2))
    return " ".join(words[:cut]).rstrip(".?")


def one_word(text: str, rng: random.Random) -> str:
    """Keep a single word of the text."""
    return rng.choice(text.split()).strip(".,?")


def repetitive(text: str, rng: random.Random) -> str:
    """Say the first sentence again and again."""
    return " ".join([sentences(text)[0]] * rng.randint(3, 5))


def _swapped_letters(word: str, rng: random.Random) -> str:
    if len(word) < 4:
        return word
    at = rng.randrange(1, len(word) - 2)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def near_duplicate(text: str, rng: random.Random) -> str:
    """Change one or two words a little: a typing error, a small word, the end of the sentence."""
    words = text.split(" ")
    small = [i for i, word in enumerate(words) if word in _SMALL_WORDS]
    if small and rng.random() < 0.6:
        at = rng.choice(small)
        words[at] = _SMALL_WORDS[words[at]]
    else:
        at = rng.randrange(len(words))
        words[at] = _swapped_letters(words[at], rng)
    changed = " ".join(words)
    return changed if changed != text else text.rstrip(".") + " ."


def garbage(sound: bytes, rng: random.Random) -> bytes:
    """Make bytes that are no instruction row: noise, broken UTF-8, half a JSON text, another schema, nothing."""
    at = rng.randrange(1, len(sound) // 2)
    wrong_schemas: tuple[object, ...] = (
        ["not", "a", "row"],
        {"id": "x", "text": "MSH|^~\\&|LAB"},
        {"id": 7, "instruction": None, "output": 3},
    )
    return rng.choice(
        (
            rng.randbytes(rng.randint(8, 120)),
            sound[:at] + b"\xff\xfe\xc3" + sound[at:],
            sound[:at],
            json.dumps(rng.choice(wrong_schemas)).encode(),
            b"",
        )
    )
