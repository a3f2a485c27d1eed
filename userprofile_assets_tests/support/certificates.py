"""A certificate authority of the tests' own, for servers that speak TLS.

Belongs here: making keys and certificates. Does not belong here: the servers.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_DAY = dt.timedelta(days=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


class Authority:
    """A certificate authority in a directory; keys are ECDSA, which are made in milliseconds.

    Args:
        directory: Where certificates and keys are written.
        name: Its common name; two authorities in one test want different ones.

    Attributes:
        ca_path: Certificate of the authority (PEM).
    """

    def __init__(self, directory: Path, name: str = "test authority") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self._issued = 0
        certificate = self._sign(
            self._name, self._key.public_key(), [], is_authority=True, days=(-1, 30)
        )
        self._certificate = certificate
        self.ca_path = directory / "ca.pem"
        self.ca_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(
        self, *hosts: str, loopback: bool = True, days: tuple[int, int] = (-1, 30)
    ) -> tuple[Path, Path]:
        """Make a server's certificate.

        Args:
            hosts: Names or addresses that it is valid for; the first is its common name.
            loopback: Make it valid for 127.0.0.1 too.
            days: From when until when it is valid, in days from now; (-2, -1) has expired.

        Returns:
            Paths of the certificate and of its key (PEM).
        """
        names = list(dict.fromkeys([*hosts, *(["127.0.0.1"] if loopback else [])]))
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(
            _name(names[0]), key.public_key(), names, is_authority=False, days=days
        )
        self._issued += 1
        cert_path = self._directory / f"server-{self._issued}.pem"
        key_path = self._directory / f"server-{self._issued}-key.pem"
        cert_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_path.touch(mode=0o600)
        key_path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return cert_path, key_path

    def _sign(
        self,
        subject: x509.Name,
        public_key: ec.EllipticCurvePublicKey,
        hosts: Sequence[str],
        *,
        is_authority: bool,
        days: tuple[int, int],
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + days[0] * _DAY)
            .not_valid_after(now + days[1] * _DAY)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            # Python 3.13 verifies strictly (RFC 5280): it wants key identifiers and a key usage.
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True,
                    content_commitment=False,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    key_cert_sign=is_authority,
                    crl_sign=is_authority,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
        )
        if hosts:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_alternative(host) for host in hosts]), critical=False
            ).add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
            )
        return builder.sign(self._key, hashes.SHA256())


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority that the servers of the tests have their certificates from."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that no server of the tests has its certificate from."""
    return Authority(tmp_path_factory.mktemp("other-authority"), "another authority")
