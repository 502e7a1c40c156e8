from ccit.position_set import PositionSet, without
from ccit.records import OffsetRange, Position


def test_a_place_is_found_at_both_ends_of_each_range_and_not_beyond() -> None:
    places = PositionSet([OffsetRange(0, 4, 6), OffsetRange(0, 0, 2), OffsetRange(2, 1, 2)])
    inside = [offset for offset in range(8) if Position(0, offset) in places]
    assert inside == [0, 1, 4, 5]
    assert [Position(partition, 1) in places for partition in range(4)] == [True, False, True, False]


def test_nothing_is_in_no_ranges() -> None:
    assert Position(0, 0) not in PositionSet()


def test_places_are_taken_out_at_the_ends_in_the_middle_and_all_of_them() -> None:
    ranges = [OffsetRange(0, 2, 6), OffsetRange(1, 0, 1)]
    out = [Position(0, 2), Position(0, 4), Position(0, 5), Position(1, 0), Position(0, 9)]
    assert without(ranges, out) == (OffsetRange(0, 3, 4),)
    assert without(ranges, []) == tuple(ranges)
