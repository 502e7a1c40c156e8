from ccit.evaluation.metrics import accuracy, accuracy_by_group, fault_points, forgetting
from ccit.records import Answer

ANSWERS = [Answer("1", "heart", 1.0), Answer("2", "heart", 0.5), Answer("3", "bone", 0.0, faulty=True)]


def test_accuracy_over_all_and_by_group() -> None:
    assert accuracy(ANSWERS) == 0.5
    assert accuracy([]) == 0.0
    assert accuracy_by_group(ANSWERS) == {"bone": 0.0, "heart": 0.75}


def test_faults_are_points() -> None:
    assert round(fault_points(ANSWERS), 2) == 33.33
    assert fault_points([]) == 0.0


def test_forgetting_is_against_the_best_earlier_version() -> None:
    earlier = [{"heart": 0.4}, {"heart": 0.9, "bone": 0.2}, {"heart": 0.7, "bone": 0.1}]
    assert forgetting(earlier, {"heart": 0.6, "bone": 0.5, "new": 1.0}) == {"heart": 30.0, "bone": -30.0}
