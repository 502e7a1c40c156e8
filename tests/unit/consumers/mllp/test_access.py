from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme
from pydantic import ValidationError

from ccit.config import Mllp
from ccit.errors import ConfigError
from consumers.mllp.access import Access, tls_context


@pytest.mark.parametrize(
    ("allowed", "address", "let_in"),
    [
        (["127.0.0.1", "::1"], "127.0.0.1", True),
        (["127.0.0.1", "::1"], "127.0.0.2", False),
        (["10.1.0.0/16"], "::ffff:10.1.9.9", True),
        (["fe80::/10"], "fe80::1%eth0", True),
        (["0.0.0.0/0"], "::1", False),
        (["0.0.0.0/0"], "", False),
    ],
)
def test_only_those_who_are_named_get_in(allowed: list[str], address: str, let_in: bool) -> None:
    assert Access(allowed).allows(address) is let_in


@pytest.mark.parametrize("wrong", [{"allow": ["ward-7"]}, {"allow": []}, {"key": "k.pem"}, {"client_ca": "ca.pem"}])
def test_a_door_that_would_stand_open_or_shut_by_mistake_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Mllp.model_validate(wrong)


def test_without_a_certificate_there_is_no_tls() -> None:
    assert tls_context(Mllp()) is None


def test_with_authorities_senders_must_show_a_certificate(tmp_path: Path) -> None:
    authority, certificate, roots = trustme.CA(), tmp_path / "server.pem", tmp_path / "ca.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    authority.cert_pem.write_to_path(str(roots))
    one_way = tls_context(Mllp(certificate=str(certificate)))
    both = tls_context(Mllp(certificate=str(certificate), client_ca=str(roots)))
    assert one_way is not None
    assert both is not None
    assert (one_way.verify_mode, both.verify_mode) == (ssl.CERT_NONE, ssl.CERT_REQUIRED)
    assert both.minimum_version == ssl.TLSVersion.TLSv1_2


def test_files_that_are_none_are_named_by_their_keys(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mllp\.certificate"):
        tls_context(Mllp(certificate=str(tmp_path / "none.pem")))
