"""`docs/extending.md` is true: each plug-in on it is installed as it stands, and keeps the contract of its point."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ccit.plugins import POINTS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
CODE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
TABLES = [table for table in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if "entry-points" not in table]
KINDS = [re.findall(r'kind: Literal\["(\w+)"\]', code)[0] for code in CODE]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """With the page's plug-ins as an installed package: modules, and metadata that names them as entry points."""
    folder = tmp_path_factory.mktemp("packages")
    package, metadata = folder / "page_rules", folder / "page_rules-1.0.dist-info"
    package.mkdir()
    metadata.mkdir()
    (package / "__init__.py").write_text('"""The plug-ins of docs/extending.md."""\n')
    for kind, code in zip(KINDS, CODE, strict=True):
        (package / f"{kind}.py").write_text(code, encoding="utf-8")
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: page-rules\nVersion: 1.0\n")
    named = "".join(f"{kind} = page_rules.{kind}\n" for kind in KINDS)
    (metadata / "entry_points.txt").write_text(f"[ccit.plugins]\n{named}")
    return os.environ | {"PYTHONPATH": str(folder)}


def test_the_page_shows_one_of_each(environment: dict[str, str]) -> None:
    listing = [sys.executable, "-m", "ccit.cli.main", "plugins", "--json"]
    done = subprocess.run(listing, capture_output=True, env=environment, check=True, timeout=120)
    listed = json.loads(done.stdout)
    assert listed["broken"] == {}
    assert sorted(row["point"] for row in listed["plugins"] if row["origin"] == "page-rules 1.0") == sorted(POINTS)
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert [re.findall(r"`([^`]+)`", row)[0] for row in rows] == list(POINTS)


def test_its_tables_are_a_configuration(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "ccit.toml").write_text("\n".join(TABLES))
    command = [sys.executable, "-m", "ccit.cli.main", "config", "--config", str(tmp_path / "ccit.toml")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert [kind for kind in KINDS if f'"{kind}"' not in done.stdout] == []


def test_they_keep_the_contracts(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "pytest", "tests/contract", "-k", " or ".join(f"{k}]" for k in KINDS)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) >= 2 * len(KINDS)
