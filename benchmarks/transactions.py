"""What exactly-once costs: records through the loop of read, step and commit, by the size of a batch.

    python -m benchmarks.transactions [--seconds 5]

A real Apache Kafka with one node; a step that copies. Each pair runs one after the other over the same records:
`ExactlyOnce`, one transaction per batch, and `AtLeastOnce`, outputs first and then the offsets. Prints a Markdown
table.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Sequence

from consumers.broker.local import LocalKafka
from consumers.kafka.at_least_once import AtLeastOnce
from consumers.kafka.batches import BatchLimits, BatchLoop
from consumers.kafka.clients import KafkaSettings, producer
from consumers.kafka.exactly_once import ExactlyOnce
from consumers.kafka.messages import Delivered, KafkaMessage, Output
from consumers.kafka.topic_creation import create_topics
from consumers.kafka.topics import Topics

RECORDS, RECORD_BYTES = 60_000, 500
BATCHES = (1, 10, 100, 500, 2000)


class Copy:
    """One run: from the first commit to the end of the time or of the records."""

    def __init__(self, settings: KafkaSettings, batch: int, exactly: bool, seconds: float) -> None:
        topics, name = Topics(settings.prefix), f"{'exactly' if exactly else 'least'}-{batch}"
        self._target = topics.samples.name
        self._seconds = seconds
        self._began = self._ended = 0.0
        self._copied, self._left = -1, 0  # the first batch starts the clock
        self._loop = BatchLoop(
            settings,
            name,
            [topics.records.name],
            self._step,
            ExactlyOnce(settings, name) if exactly else AtLeastOnce(settings),
            limits=BatchLimits(batch_size=batch, linger_ms=50),
            on_committed=self._committed,
        )

    def records_per_second(self) -> float:
        thread = threading.Thread(target=self._loop.run)
        thread.start()
        thread.join()
        return self._copied / (self._ended - self._began)

    def _step(self, messages: Sequence[KafkaMessage]) -> list[Output]:
        return [Output(self._target, message.key, message.value) for message in messages]

    def _committed(self, delivered: Sequence[Delivered]) -> None:
        self._ended = time.perf_counter()
        if self._copied < 0:
            self._began, self._copied, self._left = self._ended, 0, RECORDS - len(delivered)
            return
        self._copied += len(delivered)
        if self._ended - self._began > self._seconds or self._copied >= self._left:
            self._loop.stop()


def fill(settings: KafkaSettings) -> None:
    """The records that every run reads."""
    client, topic = producer(settings), Topics(settings.prefix).records.name
    for number in range(RECORDS):
        client.produce(topic, value=b"%d " % number * (RECORD_BYTES // 6), key=b"%d" % number)
        client.poll(0)
    if client.flush(120.0):
        raise SystemExit("the broker did not take the records within 120 s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="longest time of one run; there are ten")
    seconds = parser.parse_args().seconds
    print("| batch | exactly once, records/s | ms per transaction | at least once, records/s | cost |")
    print("|---|---|---|---|---|")
    with LocalKafka() as broker:
        settings = broker.settings("bench.")
        create_topics(settings)
        fill(settings)
        for batch in BATCHES:
            exactly = Copy(settings, batch, True, seconds).records_per_second()
            least = Copy(settings, batch, False, seconds).records_per_second()
            row = (f"{batch}", f"{exactly:,.0f}", f"{batch / exactly * 1000:.1f}", f"{least:,.0f}")
            print(f"| {' | '.join(row)} | {least / exactly:.2f} times |", flush=True)


if __name__ == "__main__":
    main()
