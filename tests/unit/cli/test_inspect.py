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


def test_where_a_type_belongs_nothing_is_shown_but_a_type(tmp_path: Path) -> None:
    """Senders put names into MSH-9, resourceType and the names of their own segments."""
    first = b"MSH|^~\\&|L|N|||2026||Zyxwald^Ann|7|P|2.5\rPID|1||12\rZYX|a\rOBX|1|TX|||fever\r"
    (tmp_path / "a.hl7").write_bytes(first + first.replace(b"Zyxwald^Ann", b"ADT^Zyx").replace(b"|7|", b"|8|"))
    deleted = {"request": {"method": "DELETE", "url": "Zyxwald/7"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": NOTE}, deleted]}
    for name, one in (("b", {"resourceType": "ZyxwaldAnn", "id": "1"}), ("c", bundle)):
        (tmp_path / f"{name}.json").write_text(json.dumps(one))
    files = [str(file) for file in sorted(tmp_path.iterdir())]
    code, said = run(*files, "--json")
    assert (code, json.loads(said)["total"]["found"]) == (0, {"ADT": 1, "Condition": 1, "other": 3})
    for shown in (said, run(*files)[1]):
        assert "zyx" not in shown.replace(str(tmp_path), "").lower()


def test_json_says_the_same_for_programs(tmp_path: Path) -> None:
    code, said = run(*written(tmp_path), "--json", "--limit", "1")
    found = json.loads(said)
    assert code == 0
    assert found["total"]["documents"] == {"Condition": 1}
    assert found["total"]["refused"] == {"unsupported_type": 1}
    assert found["files"][str(tmp_path / "people.ndjson")]["passed_over"] == {"Patient": 1}
