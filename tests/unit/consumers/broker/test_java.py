from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from ccit.errors import BrokerUnavailable, ConfigError
from consumers.broker.java import KAFKA_VERSION, java_program, kafka_jars


def script(folder: Path, name: str, text: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    program.chmod(0o755)


def test_pom_asks_for_the_version_the_code_looks_for() -> None:
    pom = resources.files("consumers.broker").joinpath("pom.xml").read_text("utf-8")
    assert re.search(rf"<artifactId>kafka_2\.13</artifactId>\s*<version>{re.escape(KAFKA_VERSION)}</version>", pom)


def test_missing_java_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="apt-get install openjdk-17"):
        java_program()


def test_old_java_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path, "java", "echo 'openjdk version \"11.0.2\"' >&2")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"11\.0\.2.*apt-get install openjdk-17"):
        java_program()


def test_missing_maven_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="apt-get install maven"):
        kafka_jars(tmp_path)


def test_failed_fetch_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path, "mvn", "echo '[ERROR] could not resolve'; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(BrokerUnavailable, match="could not resolve"):
        kafka_jars(tmp_path / "cache")
    assert list((tmp_path / "cache" / f"kafka-{KAFKA_VERSION}").iterdir()) == []


def test_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second call works without Maven."""
    fetch = 'for a in "$@"; do case $a in -DoutputDirectory=*) d=${a#*=};; esac; done; mkdir $d; '
    script(tmp_path, "mvn", f"{fetch}: > $d/kafka_2.13-{KAFKA_VERSION}.jar")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    jars = kafka_jars(tmp_path / "cache")
    (tmp_path / "mvn").unlink()
    assert kafka_jars(tmp_path / "cache") == jars
    assert [jar.name for jar in jars.iterdir()] == [f"kafka_2.13-{KAFKA_VERSION}.jar"]
