"""What hostile input may cost: the time grows with the length of a text and not faster; a message at its size limit
takes less than ten times its size in memory, and less than a second.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from ccit.errors import InputError
from ccit.evaluation.options import option_named, options_at_end
from ccit.evaluation.overlap import rouge_l
from ccit.ingest.forms.table import exchange_of
from ccit.ingest.rows import parse_row, record_from_row, sample_from_record
from ccit.records import Sample
from ccit.scoring.sentences import split_sentences
from ccit.scoring.spaces import SPACES
from ccit.selection.checks.length import LengthCheck
from ccit.testing import check_context

ROOT = Path(__file__).parents[2]


def of_a_row(text: str) -> object:
    row = {"instruction": text, "input": text, "output": text, "system": text, "history": [[text, text]]}
    return sample_from_record(record_from_row(row, 0.0)).content_digest


def of_a_message(text: str) -> object:
    try:
        return parse_row(orjson.dumps({"instruction": text, "output": text, "meta": {text: [text]}}), 10**9)
    except InputError as refused:
        return refused


def named(text: str) -> object:
    try:
        return option_named(text, ("A. a", "B. b"))
    except InputError as refused:
        return refused


def of_a_sample(text: str) -> object:
    sample = Sample("s", "r", "ward", text, text, text)
    return [text_of(sample) for text_of in SPACES.values()], CHECK.score([sample])


CHECK = LengthCheck(LengthCheck.Settings(unit="sentences"), check_context())
READERS: dict[str, Callable[[str], object]] = {
    "split_sentences": split_sentences,
    "a row": of_a_row,
    "a message": of_a_message,
    "a sample": of_a_sample,
    "exchange_of": lambda text: exchange_of({"prompt": text, "completion": text}),
    "options": options_at_end,
    "an answer to options": named,
    "rouge_l, answer": lambda text: rouge_l(text, "rest and water"),
    "rouge_l, reference": lambda text: rouge_l("rest and water", text),
}

SHAPES: dict[str, Callable[[int], str]] = {
    "one word": lambda n: "a" * n,
    "a word, then abbreviations": lambda n: "a" * (n // 2) + " " + "e.g. X " * (n // 14),
    "abbreviations": lambda n: "e.g. X " * (n // 7),
    "initials": lambda n: "A." * (n // 2),
    "numbers": lambda n: "2. B " * (n // 5),
    "stops": lambda n: "." * n,
    "spaced stops": lambda n: ". " * (n // 2),
    "blanks": lambda n: "A." + " " * n + "B",
    "lines in lower case": lambda n: "a\n" * (n // 2),
    "lines": lambda n: "A. b\n" * (n // 5),
    "bullets": lambda n: "- (a) " * (n // 6),
    "brackets": lambda n: "X. " + "(" * n,
    "closing marks": lambda n: "X." + ")" * n,
    "Chinese": lambda n: "好.的" * (n // 3),
    "Chinese stops": lambda n: "好。" * (n // 2),
    "options": lambda n: "A. a\nB. b\n" * (n // 10),
    "lettered options": lambda n: "\n".join(f"{chr(65 + i % 26)}. a" for i in range(n // 5)),
    "letters": lambda n: "so A " * (n // 5),
    "brackets with letters": lambda n: "(A) " * (n // 4),
    "answers": lambda n: "answer is A or " * (n // 15),
    "Chinese answers": lambda n: "答案是A和" * (n // 5),
    "an answer, then blanks": lambda n: "The answer is" + " " * n + "A" + "\n" * n,
    "quotation marks": lambda n: '"\\",[' * (n // 5),
    "combining marks": lambda n: "e\u0301" * (n // 2),
    "letters that unfold": lambda n: "\ufdfa" * n,
}

N = 10_000  # characters; what costs their square takes seconds at four times that


def seconds_of(read: Callable[[str], object], text: str) -> float:
    """Processor time of the quicker of two calls: other processes do not count."""
    measured = []
    for _ in range(2):
        began = time.thread_time()
        read(text)
        measured.append(time.thread_time() - began)
    return min(measured)


@pytest.mark.parametrize("reader", READERS)
def test_time_grows_with_the_length_of_a_text_and_not_faster(reader: str) -> None:
    read = READERS[reader]
    read("Warm up.")
    slow = {}
    for shape, text_of in SHAPES.items():
        once, fourfold = seconds_of(read, text_of(N)), seconds_of(read, text_of(4 * N))
        if fourfold > 8 * once + 0.03:  # 4 times as long; their square would be 16
            slow[shape] = (round(once, 3), round(fourfold, 3))
    assert slow == {}


def test_two_endless_answers_are_compared_in_a_second() -> None:
    rouge_l("Warm up.", "Warm up.")
    assert seconds_of(lambda text: rouge_l(text, text), "血" * 1_000_000) < 1


def test_a_message_at_its_size_limit_costs_less_than_ten_times_its_size_and_a_second() -> None:
    run = subprocess.run([sys.executable, "-m", "tests.poison.measured"], cwd=ROOT, capture_output=True, check=True)
    measured = json.loads(run.stdout)
    assert len(measured) == 40
    assert [case for case in measured if case[2] > 10 * case[1] or case[3] > 1] == []
