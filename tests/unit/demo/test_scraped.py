"""Counters as a process offers them, read over HTTP."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, start_http_server

from ccit.demo.scraped import Scraped


def test_counters_of_a_process_are_read_by_label_and_in_all() -> None:
    registry = CollectorRegistry()
    masked = Counter("ccit_identifiers_masked", "Identifiers masked", ["kind"], registry=registry)
    masked.labels("name").inc(3)
    masked.labels("date").inc(4)
    server, thread = start_http_server(0, "127.0.0.1", registry)
    try:
        page = Scraped.at(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert page.by("ccit_identifiers_masked_total", "kind") == {"name": 3, "date": 4}
    assert page.total("ccit_identifiers_masked_total") == 7
    assert page.total("ccit_of_nobody_total") == 0
    assert "ccit_identifiers_masked" in page.text


def test_a_process_that_is_not_there_yet_has_counted_nothing() -> None:
    assert Scraped.at(1).total("ccit_messages_total") == 0
