"""Which options of librdkafka a configuration may set (`kafka.client`): those that say how to reach the broker.

Everything else either carries a guarantee, and is set in `clients.py`, or would take one away: a `group.instance.id`
makes several processes one member, `delivery.report.only.error` leaves outputs without a receipt,
`test.mock.num.brokers` writes to no broker at all. So what is allowed is listed, and not what is refused: librdkafka
has 150 options, aliases among them, and more with each release.
"""

from __future__ import annotations

from collections.abc import Iterable

from ccit.errors import ConfigError

_FAMILIES = (
    *("security.", "sasl.", "ssl.", "https."),
    *("socket.", "broker.address.", "reconnect.backoff.", "retry.backoff.", "api.version.", "topic.metadata."),
    "log.",
)

_SINGLE = frozenset(
    {
        "broker.version.fallback",
        "check.crcs",
        "client.dns.lookup",
        "client.id",
        "client.rack",
        "compression.level",
        "connections.max.idle.ms",
        "debug",
        "enable.metrics.push",
        "enable.sasl.oauthbearer.unsecure.jwt",
        "enable.ssl.certificate.verification",
        "heartbeat.interval.ms",
        "linger.ms",
        "log_level",
        "max.poll.interval.ms",
        "metadata.max.age.ms",
        "request.timeout.ms",
        "session.timeout.ms",
    }
)


def require_allowed(options: Iterable[str]) -> None:
    """Return when a configuration may set all of these.

    Raises
    ------
    ConfigError
        It may not; names all that it has to leave out.

    >>> require_allowed(["sasl.mechanisms", "client.rack"])
    >>> require_allowed(["group.instance.id"])
    Traceback (most recent call last):
    ...
    ccit.errors.ConfigError: kafka.client is for TLS, SASL and sockets, but sets group.instance.id; remove that: ...
    """
    refused = sorted(name for name in options if not (name.startswith(_FAMILIES) or name in _SINGLE))
    if refused:
        raise ConfigError(
            f"kafka.client is for TLS, SASL and sockets, but sets {', '.join(refused)}; remove that: ccit itself sets "
            "what its guarantees rest on, group.id, transactional.id and isolation.level among them"
        )
