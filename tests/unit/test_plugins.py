"""What the registry refuses, each in a registry of the test's own."""

from __future__ import annotations

import copy
from typing import Any, ClassVar, Literal

import pytest

from ccit import plugins
from ccit.errors import ConfigError
from ccit.plugins import POINTS, PluginSettings, build, kind_of, plugin


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    for point in POINTS:
        plugins.plugins(point)  # everything is loaded
    monkeypatch.setattr(plugins, "_registry", {name: copy.copy(known) for name, known in plugins._registry.items()})


class Settings(PluginSettings):
    kind: Literal["plain"] = "plain"


class Open(PluginSettings):
    kind: str = "plain"


class Shouted(PluginSettings):
    kind: Literal["PLAIN"] = "PLAIN"


def made(name: str = "Plain", doc: str | None = "Does nothing.", **members: Any) -> type:
    return type(name, (), {"__doc__": doc, "__module__": __name__, "Settings": Settings, **members})


def test_what_is_registered_is_found_and_built() -> None:
    class Plain:
        """Does nothing. At all.

        More is said here.
        """

        Settings = Settings

        def __init__(self, settings: PluginSettings, context: object) -> None:
            self.made_of = (settings, context)

    assert plugin("trigger")(Plain) is Plain
    assert plugin("trigger")(Plain) is Plain, "a module may be loaded twice"
    entry = plugins.plugins("trigger")["plain"]
    assert (entry.cls, entry.settings, entry.summary) == (Plain, Settings, "Does nothing. At all.")
    assert list(plugins.plugins("trigger")) == sorted(plugins.plugins("trigger"))
    assert kind_of(Settings()) == "plain"
    assert build("trigger", Settings(), "context").made_of == (Settings(), "context")


@pytest.mark.parametrize(
    ("point", "cls", "said"),
    [
        ("triger", made(), "expected an extension point (check, policy, detector"),
        ("trigger", made(Settings=None), "expected a class `Settings` inside it"),
        ("trigger", made(Settings=Open), "expected `kind: Literal"),
        ("trigger", made(Settings=Shouted), "expected `kind: Literal"),
        ("trigger", made(Settings=PluginSettings), "expected `kind: Literal"),
        ("trigger", made(doc=None), "expected a docstring"),
        ("trigger", made(doc="  "), "expected a docstring"),
    ],
)
def test_what_is_no_plugin_is_refused_in_one_sentence(point: str, cls: type, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        plugin(point)(cls)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_kind_has_one_class() -> None:
    plugin("trigger")(made())
    with pytest.raises(ConfigError, match=r"the trigger 'plain' is there twice: .*\.Plain and .*\.Other; rename one"):
        plugin("trigger")(made("Other"))


def test_a_reason_has_one_owner() -> None:
    class Ratio:
        """Refuses what is short."""

        Settings = Settings
        reasons: ClassVar = {"too_short": ("Too short", "shorter than its question")}

    with pytest.raises(ConfigError, match=r"'too_short' is that of the check 'length' already; .* 'plain_too_short'"):
        plugin("check")(Ratio)
    assert "plain" not in plugins.plugins("check")
