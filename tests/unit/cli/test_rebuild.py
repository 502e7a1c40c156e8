"""What `ccit rebuild` prints, and how it ends."""

from __future__ import annotations

from collections.abc import Callable

import orjson
import pytest
from click.testing import CliRunner, Result

from ccit.cli import rebuild as module
from ccit.cli.rebuild import rebuild
from ccit.console import Console
from ccit.errors import CcitError
from ccit.rebuild import AdapterComparison, Rebuilt
from ccit.training.comparison import TensorDifference
from consumers import connection, provenance
from consumers.kafka import clients

SAME = AdapterComparison("store://a", "store://a")
OTHER = AdapterComparison("store://b", "store://c", ("weights",), (TensorDifference("q", 1.5e-7, 0.5),))


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    def invoke(proxy: AdapterComparison, *flags: str, notes: tuple[str, ...] = ()) -> Result:
        def rebuilt(found: object, config: object, console: Console) -> Rebuilt:
            return Rebuilt(3, "abc", {"deployed": SAME, "proxy": proxy}, notes, 1.0)

        monkeypatch.setattr(connection, "kafka_settings", lambda _: None)
        monkeypatch.setattr(clients, "require_broker", lambda _: None)
        monkeypatch.setattr(provenance, "provenance_of", lambda *_: None)
        monkeypatch.setattr("ccit.assembly.versions.base_version", lambda _: None)
        monkeypatch.setattr(module, "_rebuilt", rebuilt)
        return CliRunner().invoke(rebuild, ["3", *flags])

    return invoke


def test_the_same_bytes_end_well(ask: Callable[..., Result]) -> None:
    result = ask(SAME)
    assert result.exit_code == 0
    assert "the same bytes, store://a" in result.output


def test_other_bytes_are_one_line_with_the_measured_difference(ask: Callable[..., Result]) -> None:
    result = ask(OTHER, notes=("it was made by another release",))
    assert isinstance(result.exception, CcitError)
    assert result.exception.exit_code == 1
    assert str(result.exception) == (
        "version 3 does not come out the same (it was made by another release): "
        "proxy: numbers differ by up to 1.5e-07 in 1 of its weights (the largest number is 0.5)"
    )


def test_a_program_reads_every_difference(ask: Callable[..., Result]) -> None:
    found = orjson.loads(ask(OTHER, "--json").stdout)
    assert (found["version"], found["equal"]) == (3, False)
    assert found["adapters"]["proxy"]["weights"] == [{"name": "q", "largest": 1.5e-7, "scale": 0.5}]
