from pathlib import Path

from ccit.store.sealed import read_sealed, write_sealed


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_sealed(tmp_path / "deep" / "file", b"\x00content")
    assert read_sealed(tmp_path / "deep" / "file") == b"\x00content"


def test_a_flipped_bit_a_cut_and_a_missing_file_are_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_sealed(path, b"content of some length")
    whole = path.read_bytes()
    for position in (0, 63, 64, len(whole) - 1):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        assert read_sealed(path) is None
    for length in (0, 10, 64, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert read_sealed(path) is None
    assert read_sealed(tmp_path / "nowhere") is None
