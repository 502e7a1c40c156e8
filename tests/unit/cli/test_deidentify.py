from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from ccit.cli.main import cli

LINE = {
    "text": "Ann ROE (MRN 4711-0815) seen 3/14/2019. Hgb 9.1",
    "subject": "4711-0815",
    "people": [{"role": "patient", "names": [{"family": "Roe", "given": ["Ann"]}]}],
}


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["deidentify", *arguments])
    return done.exit_code, done.output


def test_documents_are_masked_and_what_is_none_is_counted(tmp_path: Path) -> None:
    file, out = tmp_path / "ward.jsonl", tmp_path / "clean.jsonl"
    file.write_text(f"{json.dumps(LINE)}\nno json for Roe\n{json.dumps(LINE)}\n")
    code, said = run(str(file), "--out", str(out))
    first, second = (json.loads(line) for line in out.read_text().splitlines())
    assert code == 0
    assert first["text"] == "[NAME-1] (MRN [OTHER]) seen [2019]. Hgb 9.1"
    assert first["subject"] == second["subject"]
    assert first["document"] != second["document"]
    assert "2 documents written" in said
    assert "1 held back" in said
    assert "Roe" not in said + out.read_text()


def test_a_text_alone_is_one_document(tmp_path: Path) -> None:
    file, out = tmp_path / "note.txt", tmp_path / "clean.jsonl"
    file.write_text("Seen by Dr. Roe on 3/14/2019.")
    code, said = run(str(file), "--out", str(out), "--json")
    assert code == 0
    assert json.loads(said) == {"written": 1, "held_back": {}, "masked": {"date": 1, "name": 1}}
    assert json.loads(out.read_text())["text"] == "Seen by Dr. [NAME-1] on [2019]."
