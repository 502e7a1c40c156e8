from __future__ import annotations

from ccit.plugins import plugins
from ccit.selection.reasons import ACCEPTED, EXACT_DUPLICATE, OWN, UNSCORED, all_reasons


def test_every_reason_of_a_plugin_is_found_between_the_admissions_own() -> None:
    found = list(all_reasons())
    assert found[:2] == [ACCEPTED, EXACT_DUPLICATE]
    assert found[-1] == UNSCORED
    declared = {r for point in ("check", "policy") for p in plugins(point).values() for r in vars(p.cls)["reasons"]}
    assert set(found) == declared | set(OWN)


def test_an_origin_brings_its_own_alone() -> None:
    assert list(all_reasons(origin="nobody 1.0")) == list(OWN)
