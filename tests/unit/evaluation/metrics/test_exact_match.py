import pytest

from ccit.evaluation.metrics.exact_match import ExactMatch, normalised
from ccit.ports.evaluation import MetricContext
from ccit.records import Question

CONTEXT = MetricContext(max_new_tokens=64)


@pytest.mark.parametrize(
    ("answer", "reference", "right"),
    [
        ("The 500 mg.", "500 mg", True),
        ("500 MG", "500 mg", True),
        ("50 mg", "500 mg", False),
        ("2.5 mg", "25 mg", False),
        ("2,5 mg", "2.5 mg", False),
        ("-3", "3", False),
        ("< 3", "3", False),
        ("３ 片。", "3 片", True),
        ("", "", False),
        ("Yes. It does.", "yes", False),
    ],
)
def test_only_the_writing_may_differ(answer: str, reference: str, right: bool) -> None:
    metric = ExactMatch(ExactMatch.Settings(), CONTEXT)
    assert metric.grade(Question("q", "g", "?", reference), answer).credit == float(right)


def test_a_prefix_may_be_enough() -> None:
    metric = ExactMatch(ExactMatch.Settings(prefix=True), CONTEXT)
    question = Question("q", "g", "?", "yes")
    assert metric.grade(question, "Yes. It does.").credit == 1.0
    assert metric.grade(question, "Yesterday.").credit == 0.0


def test_normalising_twice_changes_nothing() -> None:
    for text in ("The dose: 2.5 mg, twice.", "ＡＢＣ１２３。", "a, the", "well-known -3"):
        assert normalised(normalised(text)) == normalised(text)
