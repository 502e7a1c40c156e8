"""Instruction rows in JSONL files: general data, suites, `ccit assess`, `ccit replay`, `ccit feed`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ccit.errors import ConfigError, InputError
from ccit.ingest.rows import parse_row, record_from_row, sample_from_record
from ccit.records import Sample


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of a file that are not blank, without their line ends.

    Raises
    ------
    ConfigError
        The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            for line in file:
                stripped = line.strip()
                if stripped:
                    yield stripped
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
    for number, line in enumerate(lines_of(path), start=1):
        try:
            samples.append(sample_from_line(line, max_bytes))
        except InputError as error:
            raise ConfigError(f"{path}, line {number}: {error.detail}") from error
    return samples
