"""Two processes that are one member to the group, as `group.instance.id` makes them: one ends, with its sentence."""

from __future__ import annotations

import threading
from typing import Literal

import pytest

from ccit.errors import CcitError
from consumers.kafka.at_least_once import AtLeastOnce
from consumers.kafka.batches import BatchLoop
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.topics import Topics
from tests.integration.following import until


@pytest.mark.parametrize("protocol", ["consumer", "classic"])
def test_one_of_two_ends(settings: KafkaSettings, protocol: Literal["consumer", "classic"]) -> None:
    options: dict[str, str] = {}
    settings = KafkaSettings(settings.bootstrap_servers, settings.prefix, True, options, protocol)
    options["group.instance.id"] = "ward"  # past the guard, for something else may make an error final one day
    ended: list[CcitError] = []
    loops = [
        BatchLoop(settings, "g", [Topics(settings.prefix).records.name], lambda _: [], AtLeastOnce(settings))
        for _ in range(2)
    ]

    def run(loop: BatchLoop) -> None:
        try:
            loop.run()
        except CcitError as problem:
            ended.append(problem)

    threads = [threading.Thread(target=run, args=(loop,), daemon=True) for loop in loops]
    for thread in threads:
        thread.start()
    until(lambda: bool(ended), "one of them ends")
    for loop in loops:
        loop.stop()
    for thread in threads:
        thread.join(60.0)
    assert f"group {settings.prefix}g refused this member for good" in str(ended[0])
    assert len(ended) == 1
