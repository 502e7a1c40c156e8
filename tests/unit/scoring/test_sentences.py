from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.scoring.sentences import split_sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        ("  \n\n ", []),
        ("...", []),
        ("No full stop", ["No full stop"]),
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Take 2.5 mg of it. Rest.", ["Take 2.5 mg of it.", "Rest."]),
        ("Dr. Lee saw Mr. J. Smith. He left.", ["Dr. Lee saw Mr. J. Smith.", "He left."]),
        ("Fever, e.g. Malaria, i.e. Parasites. Rest.", ["Fever, e.g. Malaria, i.e. Parasites.", "Rest."]),
        ('He said: "Rest." Then he left.', ['He said: "Rest."', "Then he left."]),
        ("approx. 5 days vs. 6 days. 3 doses remain.", ["approx. 5 days vs. 6 days.", "3 doses remain."]),
        ("Wait... what? yes", ["Wait... what? yes"]),
        ("Key Points\n - First\n - Second\n", ["Key Points", "- First", "- Second"]),
        ("1. Rest\n2. Drink water. Sleep.", ["1. Rest", "2. Drink water.", "Sleep."]),
        ("A line that is\nwrapped hard. Next.", ["A line that is wrapped hard.", "Next."]),
        ("Title\r\n\r\nlower case paragraph", ["Title", "lower case paragraph"]),
        ("多喝水。注意休息！“好的。”他说。", ["多喝水。", "注意休息！", "“好的。”", "他说。"]),
        ("体温38.5度，服药2次.然后休息。", ["体温38.5度，服药2次.", "然后休息。"]),
        ("Élan vital. Über alles. Ça va.", ["Élan vital.", "Über alles.", "Ça va."]),
        ("रोज़ दो गोली। पानी पिएँ।", ["रोज़ दो गोली।", "पानी पिएँ।"]),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert split_sentences(text) == sentences


@given(st.text(st.sampled_from("aB1.!?。！ \n\t-•“”()…é中"), max_size=80))
def test_nothing_with_a_letter_or_digit_is_lost_or_made_up(text: str) -> None:
    def content(piece: str) -> str:
        return "".join(c for c in piece if c.isalnum())

    pieces = split_sentences(text)
    assert "".join(map(content, pieces)) == content(text)
    assert all(piece == piece.strip() and content(piece) for piece in pieces)
