"""Where Java is and where Apache Kafka's jars are: fetched once through Maven, kept in the user's cache folder."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from importlib import resources
from pathlib import Path

from platformdirs import user_cache_dir

from ccit.errors import BrokerUnavailable, ConfigError

KAFKA_VERSION = "4.3.1"
"""The same as in pom.xml; a test compares them."""

_LEAST_JAVA = 17
_FETCH_TIMEOUT_S = 600
_MAIN_JAR = f"kafka_2.13-{KAFKA_VERSION}.jar"


def java_program() -> str:
    """Path of a Java that can run Apache Kafka 4.

    Raises
    ------
    ConfigError
        When there is none, or it is too old.
    """
    found = shutil.which("java")
    if found is None:
        raise ConfigError(
            f"a local Apache Kafka needs Java {_LEAST_JAVA} or later, but no `java` is on the path; "
            f"install it with `apt-get install openjdk-{_LEAST_JAVA}-jre-headless`"
        )
    said = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < _LEAST_JAVA:
        raise ConfigError(
            f"a local Apache Kafka needs Java {_LEAST_JAVA} or later, but {found} says "
            f"{said.strip().splitlines()[0] if said.strip() else 'nothing'!r}; "
            f"install it with `apt-get install openjdk-{_LEAST_JAVA}-jre-headless`"
        )
    return found


def kafka_jars(cache: Path | None = None) -> Path:
    """Folder with Apache Kafka's jars; the first call fetches 44 MB through Maven, later ones only look.

    The folder appears whole or not at all, so that two processes may ask at once.

    Parameters
    ----------
    cache : Path, optional
        Default: the user's cache folder for ccit.

    Raises
    ------
    ConfigError
        When the jars are absent and Maven is not installed.
    BrokerUnavailable
        When Maven could not fetch them.
    """
    home = (cache or Path(user_cache_dir("ccit"))) / f"kafka-{KAFKA_VERSION}"
    jars = home / "libs"
    if (jars / _MAIN_JAR).is_file():
        return jars
    maven = shutil.which("mvn")
    if maven is None:
        raise ConfigError(
            "the jars of Apache Kafka are fetched with Maven, but no `mvn` is on the path; "
            "install it with `apt-get install maven`"
        )
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix="fetch-") as scratch:
        _fetch(maven, Path(scratch))
        try:
            (Path(scratch) / "libs").rename(jars)
        except OSError:
            if not (jars / _MAIN_JAR).is_file():  # another process was first: its jars are as good
                raise
    return jars


def _fetch(maven: str, scratch: Path) -> None:
    pom = scratch / "pom.xml"
    pom.write_text(resources.files("consumers.broker").joinpath("pom.xml").read_text("utf-8"), "utf-8")
    command = [maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", "-DincludeScope=runtime"]
    done = subprocess.run(
        [*command, f"-DoutputDirectory={scratch / 'libs'}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=_FETCH_TIMEOUT_S,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0 or not (scratch / "libs" / _MAIN_JAR).is_file():
        errors = [line for line in done.stdout.splitlines() if "ERROR" in line]
        raise BrokerUnavailable(
            f"Maven should have fetched Apache Kafka {KAFKA_VERSION}, but ended with {done.returncode}: "
            f"{errors[0] if errors else done.stderr.strip()[:300]}; check the network and ~/.m2/settings.xml"
        )
