from __future__ import annotations

from dataclasses import replace

import pytest

from ccit.records import Position, Sample
from ccit.scoring.index import ExactIndex
from ccit.scoring.spaces import WORDING, vectors_in
from ccit.selection.admitted import AdmittedSamples
from ccit.selection.checks.near_copies import NearCopiesCheck
from ccit.testing import LetterEmbedder, check_context

KNOWN = Sample(
    "s1", "r1", "ward", "en", "What is the highest dose in a day?", "At most 4 g a day are given, in even portions."
)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (KNOWN, "near_copy"),
        (replace(KNOWN, response="At most 4 g a day are given, in evne portions."), "near_copy"),
        (replace(KNOWN, response="At most 3 g a day are given, in even portions."), None),
        (replace(KNOWN, response="At most 4 g a day are not given, in even portions."), None),
        (replace(KNOWN, instruction="Who may come on Sunday?", response="Relatives of the patient may."), None),
    ],
)
def test_a_slip_is_a_copy_and_a_correction_is_none(changed: Sample, reason: str | None) -> None:
    admitted = AdmittedSamples({WORDING: ExactIndex(256)})
    admitted.add("d", {WORDING: vectors_in(WORDING, [KNOWN], LetterEmbedder())[0]}, Position(0, 0))
    check = NearCopiesCheck(NearCopiesCheck.Settings(), replace(check_context(), neighbours=admitted))
    ((score,),) = check.score([changed])
    assert check.refuse(score) == reason
