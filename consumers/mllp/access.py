"""Who may connect: addresses, how many at a time, and TLS."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network

from ccit.config import Mllp
from ccit.errors import ConfigError


class Access:
    """Lets in whom the list names, as long as there is room.

    Parameters
    ----------
    allowed : Sequence[str]
        Addresses and networks (`10.1.0.0/16`).

    Example
    -------
    >>> access = Access(["10.1.0.0/16", "::1"])
    >>> access.allows("10.1.2.3"), access.allows("::ffff:10.1.2.3"), access.allows("10.2.0.1"), access.allows("")
    (True, True, False, False)
    """

    def __init__(self, allowed: Sequence[str]) -> None:
        self._networks = tuple(ip_network(one, strict=False) for one in allowed)

    def allows(self, address: str) -> bool:
        """Whether the list holds an address; one of IPv4 inside IPv6 counts as what it is."""
        try:
            peer = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(peer, IPv6Address) and peer.ipv4_mapped is not None:
            peer = peer.ipv4_mapped
        return any(peer in network for network in self._networks)


def tls_context(settings: Mllp) -> ssl.SSLContext | None:
    """TLS 1.2 or later as configured; None without a certificate.

    Raises
    ------
    ConfigError
        A file cannot be read, or is none of what it should be.
    """
    if not settings.certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.certificate, settings.key or None)
        if settings.client_ca:
            context.load_verify_locations(settings.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:  # ssl.SSLError among them
        raise ConfigError(
            f"mllp.certificate, mllp.key and mllp.client_ca should be files in PEM that belong together, but "
            f"{error.strerror or error}; correct them"
        ) from error
    return context
