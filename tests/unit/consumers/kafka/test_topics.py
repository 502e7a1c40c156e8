from __future__ import annotations

from consumers.kafka.topics import Topics

# DESIGN.md's table: name, partitions, policy.
TABLE = {
    "clinical": (6, "delete"),
    "documents": (6, "delete"),
    "raw": (6, "delete"),
    "records": (6, "delete"),
    "samples": (4, "delete"),
    "rejects": (4, "delete"),
    "releases": (1, "delete"),
    "dead-letters": (1, "delete"),
    "rounds": (1, "delete"),
    "model-versions": (1, "compact"),
    "replica-status": (1, "compact"),
    "commands": (1, "delete"),
}


def test_table() -> None:
    assert {t.name.removeprefix("p."): (t.partitions, t.policy) for t in Topics("p.")} == TABLE


def test_topics_of_one_order_name_their_partition() -> None:
    assert {t.name: t.partition for t in Topics("")} == {name: 0 if n == 1 else None for name, (n, _) in TABLE.items()}


def test_samples_outlive_records_and_rounds_stay() -> None:
    topics = Topics()
    assert topics.samples.retention_ms > 10 * topics.records.retention_ms
    assert topics.rounds.config["retention.ms"] == "-1"
    assert "retention.ms" not in topics.model_versions.config


def test_a_hold_and_the_audit_line_outlive_every_limit_of_the_broker() -> None:
    for topic in (Topics().commands, Topics().rounds):
        assert (topic.config["retention.ms"], topic.config["retention.bytes"]) == ("-1", "-1")


def test_a_dead_letter_holds_the_largest_record_and_a_mebibyte_of_headers() -> None:
    topics = Topics()
    assert topics.dead_letters.max_message_bytes - topics.raw.max_message_bytes >= 1024 * 1024
