"""How a version was made, from topics as the trainer writes them; one embedded broker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ccit.errors import CcitError
from ccit.events import SampleAdmitted, encode
from ccit.lineage import Lineage
from ccit.pipeline import plan
from ccit.pool import Pool
from ccit.records import Decision, Due, Material, Position, Round, Spend
from consumers.kafka.clients import KafkaSettings, producer
from consumers.kafka.messages import Output
from consumers.kafka.topics import Topics
from consumers.provenance import provenance_of
from consumers.round_job import Finished
from consumers.round_log import outcome, planned_output
from tests.nouns import candidate, pooled, recipe_of, sample, verdict, version


def a_round() -> Round:
    pool = Pool()
    for number in range(10):
        pool.add(pooled(number))
    return plan(pool, Due("size", ""), version(), recipe_of(), [], {0: 0})


def written(settings: KafkaSettings, outputs: list[Output]) -> None:
    client = producer(settings)
    for output in outputs:
        client.produce(output.topic, output.value, output.key, output.partition or 0, headers=list(output.headers))
    assert client.flush(30.0) == 0


def admitted(settings: KafkaSettings, count: int) -> list[Output]:
    topic = Topics(settings.prefix).samples.name
    found = []
    for number in range(count):
        one = sample(number)
        event = SampleAdmitted(Decision(one, True, "accepted"), one.content_digest, "none", "AAAA")
        value, headers = encode(event, at=0.0, source="test")
        found.append(Output(topic, one.sample_id.encode(), value, headers, 0))
    return found


def test_manifest_candidate_parent_and_samples_are_found(settings: KafkaSettings) -> None:
    planned, topics = a_round(), Topics(settings.prefix)
    trained = replace(candidate(planned.round_id), batch_tokens=512)
    other = replace(planned, seed=planned.seed + 1)
    outputs, announcement = outcome(
        Finished(planned, Material((), ()), trained, verdict(), Spend()), Lineage(version()), [], 1.0, topics
    )
    assert announcement is not None
    manifests = [planned_output(one, 1.0, topics) for one in (planned, other)]
    written(settings, [*admitted(settings, 14), *manifests, *outputs])

    found = provenance_of(1, settings, version())

    assert found.version == announcement.version
    assert found.parent == version()
    assert (found.planned, found.candidate) == (planned, trained)
    assert {p.sample.sample_id for p in found.pooled} == {*planned.sample_ids, *planned.validation_ids}
    assert {p.sample.sample_id: p.position for p in found.pooled}["s3"] == Position(0, 3)
    with pytest.raises(CcitError, match="one of the versions 0, 1, found 2"):
        provenance_of(2, settings, version())
    with pytest.raises(CcitError, match="base model"):
        provenance_of(0, settings, version())


def test_a_version_without_its_manifest_cannot_be_made_again(settings: KafkaSettings) -> None:
    planned, topics = a_round(), Topics(settings.prefix)
    outputs, _ = outcome(
        Finished(planned, Material((), ()), candidate(planned.round_id), verdict(), Spend()),
        Lineage(version()),
        [],
        1.0,
        topics,
    )
    written(settings, outputs)
    with pytest.raises(CcitError, match="no longer on the rounds topic"):
        provenance_of(1, settings, version())
