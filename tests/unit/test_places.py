from ccit.places import Places
from ccit.records import OffsetRange, Position


def test_a_place_is_found_at_both_ends_of_each_range_and_not_beyond() -> None:
    places = Places([OffsetRange(0, 4, 6), OffsetRange(0, 0, 2), OffsetRange(2, 1, 2)])
    inside = [offset for offset in range(8) if Position(0, offset) in places]
    assert inside == [0, 1, 4, 5]
    assert [Position(partition, 1) in places for partition in range(4)] == [True, False, True, False]


def test_nothing_is_in_no_ranges() -> None:
    assert Position(0, 0) not in Places()
