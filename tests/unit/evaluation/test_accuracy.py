from ccit.evaluation.accuracy import accuracy, accuracy_by_group, fault_points
from ccit.records import GradedAnswer

ANSWERS = [
    GradedAnswer("1", "heart", 1.0),
    GradedAnswer("2", "heart", 0.5),
    GradedAnswer("3", "bone", 0.0, faulty=True),
]


def test_accuracy_over_all_and_by_group() -> None:
    assert accuracy(ANSWERS) == 0.5
    assert accuracy([]) == 0.0
    assert accuracy_by_group(ANSWERS) == {"bone": 0.0, "heart": 0.75}


def test_faults_are_points() -> None:
    assert round(fault_points(ANSWERS), 2) == 33.33
    assert fault_points([]) == 0.0
