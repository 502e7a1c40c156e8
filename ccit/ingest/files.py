"""Instruction rows in JSONL files: general data, suites, `ccit assess`, `ccit replay`, `ccit feed`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ccit.errors import ConfigError, InputError
from ccit.ingest.file_forms import require_lines_of_json
from ccit.ingest.rows import parse_row, record_from_row, sample_from_record
from ccit.ingest.strict import BYTE_ORDER_MARK
from ccit.records import Sample


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of a file that are not blank, as `numbered_lines_of`."""
    return (line for _, line in numbered_lines_of(path))


def numbered_lines_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file that are not blank, each with its number (from 1), without line ends and byte order mark.

    Raises
    ------
    ConfigError
        The file cannot be read, or holds no lines of JSON at all; the message says what it is.
    """
    try:
        require_lines_of_json(path)
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                stripped = line.removeprefix(BYTE_ORDER_MARK).strip()
                if stripped:
                    yield number, stripped
    except OSError as error:
        raise ConfigError(f"expected a JSONL file at {path}, but it cannot be read: {error.strerror}") from error


def sample_from_line(line: bytes, max_bytes: int, received_at: float = 0.0) -> Sample:
    """One line -> Sample. Raises `InputError`."""
    return sample_from_record(record_from_row(parse_row(line, max_bytes), received_at))


def samples_of(path: Path, max_bytes: int) -> list[Sample]:
    """Every sample of a file that the project itself configured, in order; here a bad line is the file's fault.

    Raises
    ------
    ConfigError
        A line is not an instruction row; the message gives its number.
    """
    samples = []
    for number, line in numbered_lines_of(path):
        try:
            samples.append(sample_from_line(line, max_bytes))
        except InputError as error:
            raise ConfigError(f"{path}, line {number}: {error.detail}") from error
    return samples
