from __future__ import annotations

from dataclasses import replace

from ccit.selection.admitted import Pending
from ccit.selection.checks.agreement import TOO_FEW, AgreementCheck
from tests.accepted import after, none_admitted, rows_of, said

KNOWN = [said("aaab", "Give velotrin. Rest."), said("aaabb", "Begin with velotrin."), said("xyz", "Wait.")]


def test_who_says_what_the_neighbours_say_agrees() -> None:
    check = AgreementCheck(AgreementCheck.Settings(min=0.5), after(KNOWN))
    (right,), (wrong,) = check.score([said("aabb", "Take velotrin."), said("aabb", "Count up.")])
    assert right.value is not None
    assert wrong.value is not None
    assert right.value > 0.5 > wrong.value
    assert (check.refuse(right), check.refuse(wrong)) == (None, "disagrees")


def test_without_near_questions_it_abstains() -> None:
    check = AgreementCheck(AgreementCheck.Settings(), after(KNOWN))
    ((score,),) = check.score([said("xyzz", "Count up.")])
    assert (score.value, score.unscored, check.refuse(score)) == (None, TOO_FEW, None)


def test_what_waits_for_its_place_is_no_evidence() -> None:
    """Whoever sends two wrong answers in one batch does not confirm himself."""
    admitted = none_admitted()
    for number, one in enumerate(KNOWN):
        admitted.stage(Pending(f"s{number}", f"d{number}", rows_of(one)))
    around = replace(after([]), neighbours=admitted)
    ((score,),) = AgreementCheck(AgreementCheck.Settings(), around).score([said("aabb", "Take velotrin.")])
    assert score.unscored == TOO_FEW


def test_a_language_that_the_embedder_does_not_know_has_no_number() -> None:
    check = AgreementCheck(AgreementCheck.Settings(), after(KNOWN))
    ((score,),) = check.score([said("发烧了怎么办？", "发烧时应多喝水，注意休息。")])
    assert score.value is None
    assert score.unscored.endswith(": zh")
    assert check.refuse(score) is None
    assert check.refuse(replace(score, unscored="the device is gone")) == "unscored"


def test_less_evidence_than_asked_for_is_none() -> None:
    """Two neighbours of cosine c weigh 2 exp(sharpness (c - 1)): the first of a kind is not judged by its relatives."""
    sample = said("aabb", "Count up.")
    judged = AgreementCheck(AgreementCheck.Settings(min_evidence=0.5), after(KNOWN))
    abstains = AgreementCheck(AgreementCheck.Settings(min_evidence=2.0), after(KNOWN))
    ((score,),), ((none,),) = judged.score([sample]), abstains.score([sample])
    assert score.value is not None
    assert (none.value, none.unscored) == (None, TOO_FEW)


def test_words_alone_see_the_other_name() -> None:
    """An embedder may find two names alike; the words do not."""
    sample = said("aabb", "Give nirtolev. Rest.")  # the letters of velotrin, which is all that this embedder sees
    values = []
    for words in (0.0, 1.0):
        ((score,),) = AgreementCheck(AgreementCheck.Settings(words=words), after(KNOWN)).score([sample])
        assert score.value is not None
        values.append(score.value)
    by_meaning, by_words = values
    assert by_meaning > 0.5 > by_words


def test_what_the_embedder_does_not_see_is_counted() -> None:
    context = replace(after(KNOWN), unseen=lambda texts: [max(0, len(text) - 20) for text in texts])
    (whole,), (cut,) = AgreementCheck(AgreementCheck.Settings(), context).score(
        [said("aabb", "aab"), said("aabb", "aab" * 10)]
    )
    assert (whole.truncated, cut.truncated) == (0, 10)
