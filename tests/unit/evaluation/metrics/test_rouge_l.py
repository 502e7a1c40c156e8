import pytest

from ccit.evaluation.metrics.rouge_l import RougeL
from ccit.ports.evaluation import MetricContext
from ccit.records import Question

METRIC = RougeL(RougeL.Settings(), MetricContext(max_new_tokens=64))


@pytest.mark.parametrize(
    ("answer", "reference", "credit"),
    [("Rest and water.", "rest and water", 1.0), ("nothing", "rest and water", 0.0), ("多喝水", "多喝水。", 1.0)],
)
def test_overlap_is_credit(answer: str, reference: str, credit: float) -> None:
    assert METRIC.grade(Question("q", "g", "?", reference), answer).credit == pytest.approx(credit)
