from __future__ import annotations

import gzip
import json
from pathlib import Path

from click.testing import CliRunner

from ccit.cli.main import cli

PATIENT = {"resourceType": "Patient", "id": "7", "name": [{"family": "Zyxwald"}]}
NOTE = {
    "resourceType": "Condition",
    "subject": {"reference": "Patient/7"},
    "code": {"text": "Asthma"},
    "note": [{"text": "Zyxwald was here"}],
}


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["inspect", *arguments])
    return done.exit_code, done.output


def written(folder: Path) -> list[str]:
    notes, people, other = folder / "notes.ndjson", folder / "people.ndjson", folder / "other.txt"
    notes.write_bytes(gzip.compress(json.dumps(NOTE).encode() + b"\n" + json.dumps(NOTE).encode()))
    people.write_text(json.dumps(PATIENT))
    other.write_text("Dear Zyxwald")
    return [str(notes), str(people), str(other)]


def test_tables_say_what_would_become_of_files_and_show_clean_text_alone(tmp_path: Path) -> None:
    code, said = run(*written(tmp_path), "--show", "1")
    assert code == 0
    assert "Zyxwald" not in said
    assert said.count("Diagnosis: Asthma (note: [NAME-1] was here)") == 1
    for part in ("notes.ndjson", "inspecting", "unsupported_type: expected HL7 v2 or FHIR", "Identifiers masked in"):
        assert part in said


def test_json_says_the_same_for_programs(tmp_path: Path) -> None:
    code, said = run(*written(tmp_path), "--json", "--limit", "1")
    found = json.loads(said)
    assert code == 0
    assert found["total"]["documents"] == {"Condition": 1}
    assert found["total"]["refused"] == {"unsupported_type": 1}
    assert found["files"][str(tmp_path / "people.ndjson")]["passed_over"] == {"Patient": 1}
