"""A package from outside brings plug-ins; nothing in this repository knows of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from ccit.demo.stage import write_jsonl
from ccit.testing import random_model

PACKAGE = Path(__file__).parents[1] / "plugin_package"
ROWS = 40


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that pip has installed the package into."""
    folder = tmp_path_factory.mktemp("site")
    source = shutil.copytree(PACKAGE, folder / "source")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    offline = ["--no-index", "--no-build-isolation", "--target", str(folder / "packages"), str(source)]
    subprocess.run([*pip, *offline], check=True, timeout=120)
    return folder / "packages"


def ccit(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ccit.cli.main", *arguments]
    environment = os.environ | {"PYTHONPATH": str(installed)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)


def test_it_is_listed_with_where_it_comes_from(installed: Path) -> None:
    listed = json.loads(ccit(installed, "plugins", "--json").stdout)
    found = {row["kind"]: row for row in listed["plugins"] if row["origin"] == "ward-rules 1.0"}
    points = {"dead_zone": "method", "every_sample": "trigger", "per_source": "policy"}
    assert {kind: row["point"] for kind, row in found.items()} == points
    assert found["every_sample"]["summary"].startswith("Due when `count` samples wait")
    assert listed["broken"] == {}


def test_its_code_is_part_of_what_made_a_version(installed: Path, tmp_path: Path) -> None:
    changed = shutil.copytree(installed, tmp_path / "packages")
    with (changed / "ward_rules" / "every_sample.py").open("a") as source:
        source.write("# changed\n")
    asked = [sys.executable, "-c", "from ccit.assembly.versions import code_digest; print(code_digest())"]
    digests = {
        subprocess.run(asked, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=True).stdout
        for path in ("", str(installed), str(changed))
    }
    assert len(digests) == 3


def test_a_stream_is_replayed_with_it(installed: Path, tmp_path: Path) -> None:
    model = str(random_model(tmp_path / "model"))
    rows = [
        {
            "id": n,
            "source": f"ward {n % 2}",
            "lang": "en",
            "instruction": f"What is number {n}?",
            "output": f"It is {n}. Surely {n * n} is more.",
        }
        for n in range(ROWS)
    ]
    write_jsonl(tmp_path / "rows.jsonl", rows)
    config: dict[str, Any] = {
        "models": {"deployed": model, "proxy": model, "threads": 1},
        "rounds": {"size": 1000, "triggers": {"every_sample": {"count": 15}}},
        "selection": {"policy": {"kind": "per_source", "most": 10}, "checks": {"length": {"min": 1}}},
        "training": {"rank": 2, "epochs": 1},
        "evaluation": {"max_new_tokens": 4},
        "store": {"root": str(tmp_path / "store")},
    }
    summary = replayed(installed, tmp_path, config)
    assert (summary["accepted"], summary["rejected"]) == (20, {"source_is_full": ROWS - 20})
    rounds = summary["rounds"]
    assert [one["due"]["trigger"] for one in rounds] == ["every_sample"]
    assert rounds[0]["due"]["numbers"]["seen"] > 0
    config["training"]["methods"] = [{"kind": "dead_zone", "below": 1e9}]  # nothing is learned any more
    (still,) = replayed(installed, tmp_path, config)["rounds"]
    assert still["round_id"] != rounds[0]["round_id"]
    assert still["deployed_adapter"] != rounds[0]["deployed_adapter"]


def replayed(installed: Path, folder: Path, config: dict[str, Any]) -> dict[str, Any]:
    (folder / "ccit.toml").write_text(tomli_w.dumps(config))
    done = ccit(installed, "replay", str(folder / "rows.jsonl"), "--config", str(folder / "ccit.toml"), "--json")
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def test_a_broken_package_is_named_and_ends_nothing(installed: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(installed, tmp_path / "packages")
    (broken / "ward_rules" / "every_sample.py").write_text("import no_such_library\n")
    done = ccit(broken, "plugins", "--json")
    assert done.returncode == 0
    (name,) = json.loads(done.stdout)["broken"]
    assert name == "every_sample (ward-rules 1.0)"
    (tmp_path / "ccit.toml").write_text("[rounds.triggers.every_sample]\n")
    refused = ccit(broken, "config", "--config", str(tmp_path / "ccit.toml"))
    assert refused.returncode == 2
    assert "found 'every_sample' (every_sample (ward-rules 1.0) could not be loaded" in refused.stderr
