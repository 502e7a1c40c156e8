"""The settings of the broker."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ccit.config.section import Section

EMBEDDED = "embedded"


class Kafka(Section):
    """The broker and how to talk to it."""

    bootstrap_servers: str = Field(
        "localhost:9092", description="`host:port,...`; `embedded` starts librdkafka's in-process cluster"
    )
    prefix: str = Field("ccit.", description="prepended to every topic name, group and transactional id")
    transactions: bool = Field(
        True, description="exactly-once by Kafka transactions; off on the embedded broker, which gets them wrong"
    )
    replication: int = Field(1, ge=1, description="replicas per topic when ccit creates it; 3 in production")
    create_topics: bool = Field(True, description="create missing topics on start")
    group_protocol: Literal["consumer", "classic"] = Field(
        "consumer", description="`consumer` is KIP-848 (Apache Kafka 4.0 and later); `classic` serves older brokers"
    )
    batch_size: int = Field(128, ge=1, description="records per transaction, at most")
    linger_seconds: float = Field(0.2, gt=0, description="how long a batch waits to fill, seconds")
    client: dict[str, str] = Field({}, description="passed to librdkafka as it is: SASL, TLS, timeouts")
