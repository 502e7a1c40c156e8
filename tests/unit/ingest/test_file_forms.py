"""What a whole file is, when it is not JSONL, is said in one sentence."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from ccit.errors import ConfigError
from ccit.ingest.file_forms import require_lines_of_json

ROW = {"instruction": "Dose?", "output": "5 mg."}
LINE = json.dumps(ROW).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (json.dumps([ROW, ROW, ROW]).encode(), "one JSON array"),
        (b"\xef\xbb\xbf" + json.dumps([ROW, ROW], indent=2).encode(), "one JSON array"),
        (b"[\n" + LINE + b",\n" + LINE + b"\n]\n", "one JSON array"),
        (json.dumps(ROW, indent=2).encode(), "over several lines"),
        (b"instruction,output\r\nDose?,5 mg.\r\nWhen?,Now.\r\n", "a CSV table"),
        (b"instruction;output\nDose?;5 mg.\n", "a CSV table"),
        (b"instruction\toutput\nDose?\t5 mg.\n", "a tab-separated table"),
        (gzip.compress(LINE, mtime=0), "gzip archive"),
        (LINE.decode().encode("utf-16"), "UTF-16"),
        (LINE.decode().encode("utf-16-le"), "UTF-16"),
        (LINE.decode().encode("utf-32"), "UTF-32"),
        (b"PK\x03\x04rest", "zip archive"),
        (b"PAR1rest", "Parquet"),
        (b"MSH|^~\\&|LAB\rPID|1\r", "HL7"),
        (b"<Bundle/>", "XML"),
        (b"Dear colleague", "text without a JSON object"),
    ],
)
def test_another_form_is_named_with_what_to_do(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=said) as refused:
        require_lines_of_json(path)
    assert "expected a JSONL file" in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n \n",
        LINE,
        b"\xef\xbb\xbf" + LINE + b"\r\n" + LINE,
        b"garbage, of the interface\n" + LINE,
        b"[1, 2]\n" + LINE + b"\n[3]\n",
        b"{cut short\n{another",
        LINE[:-1] + b', "note": "' + b"x" * 1_100_000 + b'"}',
    ],
)
def test_a_file_with_rows_in_it_is_read_line_by_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    require_lines_of_json(path)


def test_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder"):
        require_lines_of_json(tmp_path)
