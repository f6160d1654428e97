"""Certificates as pure computation: roots, server certificates, client certificates from requests.

Keys are ECDSA P-256 unless said otherwise. Times, serial numbers and keys are passed in.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

ROOT_LIFE = timedelta(days=25 * 365)
LEAF_LIFE = timedelta(days=10 * 365)
"""Long: a building without a connection, or a charge point whose clock lies, must not run out of certificates."""
BACKDATED = timedelta(days=2)
"""Charge points' clocks may be behind."""
MIN_RSA_BITS = 2048
MIN_EC_BITS = 224
"""A00.FR.404/405 of "Improved security for OCPP 1.6-J"."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """What is needed of somebody's certificate."""

    certificate: x509.Certificate

    @property
    def fingerprint(self) -> str:
        """SHA-256 of its DER form, in hexadecimal digits."""
        digest: bytes = self.certificate.fingerprint(hashes.SHA256())
        return digest.hex()

    @property
    def serial_number(self) -> str:
        """In hexadecimal digits."""
        return f"{self.certificate.serial_number:x}"

    @property
    def common_name(self) -> str | None:
        """The subject's; `None`: it has none."""
        return _common_name(self.certificate.subject)

    @property
    def not_after(self) -> datetime:
        """When it ends."""
        end: datetime = self.certificate.not_valid_after_utc
        return end


class UnfitRequestError(Exception):
    """A certificate signing request that must not be signed; the text says why, in plain words."""


def make_root(site: str, number: int, key: ec.EllipticCurvePrivateKey, serial: int, now: datetime) -> x509.Certificate:
    """Make a self-signed root certificate of this edge.

    Args:
        site: its short name.
        number: counts the roots of this edge; part of the name, so that two roots are told apart.
        key: its key.
        serial: `x509.random_serial_number()`.
        now: it is valid from two days before.
    """
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Gardu"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Gardu edge {site}"[:55] + f" root {number}"),
        ]
    )
    public = key.public_key()
    return (
        _builder(name, name, public, serial, now, ROOT_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )


@dataclass(frozen=True, slots=True)
class Issuer:
    """A root with its key."""

    root: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def server(self, names: list[str], key: PrivateKey, serial: int, now: datetime) -> x509.Certificate:
        """Make a server certificate; the first name is its CN, which charge points check (A00.FR.308)."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        return self._leaf(subject, key.public_key(), serial, now, ExtendedKeyUsageOID.SERVER_AUTH, alternatives)

    def client(self, request: x509.CertificateSigningRequest, serial: int, now: datetime) -> x509.Certificate:
        """Make a charge point's certificate from its request, which `check_request` has found fit.

        Only the names and the key are taken over: what else the request asks for is not ours to grant.
        """
        return self._leaf(request.subject, request.public_key(), serial, now, ExtendedKeyUsageOID.CLIENT_AUTH, None)

    def _leaf(
        self,
        subject: x509.Name,
        public: Any,  # noqa: ANN401 - any public key of the library
        serial: int,
        now: datetime,
        purpose: x509.ObjectIdentifier,
        alternatives: x509.SubjectAlternativeName | None,
    ) -> x509.Certificate:
        life = min(LEAF_LIFE, self.root.not_valid_after_utc - now)
        builder = (
            _builder(subject, self.root.subject, public, serial, now, life)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        if alternatives is not None:
            builder = builder.add_extension(alternatives, critical=False)
        return builder.sign(self.key, hashes.SHA256())


def check_request(csr: str, names: set[str]) -> x509.CertificateSigningRequest:
    """Check a certificate signing request (A02 "Update Charge Point Certificate").

    Args:
        csr: PKCS#10 in PEM.
        names: the common names that this charge point may carry.

    Raises:
        UnfitRequestError: why it must not be signed.
    """
    try:
        request = x509.load_pem_x509_csr(csr.encode())
        genuine = request.is_signature_valid
        public = request.public_key()
        name = _common_name(request.subject)
    except Exception:  # noqa: BLE001 - the library's many ways to say that foreign bytes are no request
        raise UnfitRequestError("the request cannot be read") from None
    if not genuine:
        raise UnfitRequestError("the request is not signed with its own key")
    if name not in names:
        raise UnfitRequestError("its common name is not the serial number that is known for this charge point")
    _check_strength(public)
    return request


def _check_strength(public: Any) -> None:  # noqa: ANN401 - any public key of the library
    if isinstance(public, rsa.RSAPublicKey):
        if public.key_size < MIN_RSA_BITS:
            raise UnfitRequestError(f"its RSA key has {public.key_size} bits, at least {MIN_RSA_BITS} are needed")
    elif isinstance(public, ec.EllipticCurvePublicKey):
        if public.key_size < MIN_EC_BITS:
            raise UnfitRequestError(f"its key has {public.key_size} bits, at least {MIN_EC_BITS} are needed")
    else:
        raise UnfitRequestError("its key is neither RSA nor ECDSA")


def hash_data(root: x509.Certificate) -> list[dict[str, str]]:
    """Name a self-signed certificate as OCPP does ("Improved security for OCPP 1.6-J", CertificateHashDataType).

    Returns:
        One name for each hash algorithm that a charge point may choose.
    """
    name = root.subject.public_bytes()
    key = root.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return [
        {
            "hashAlgorithm": algorithm.upper(),
            "issuerNameHash": hashlib.new(algorithm, name).hexdigest(),
            "issuerKeyHash": hashlib.new(algorithm, key).hexdigest(),
            "serialNumber": f"{root.serial_number:x}",
        }
        for algorithm in ("sha256", "sha384", "sha512")
    ]


def to_pem(certificate: x509.Certificate) -> str:
    """Write a certificate as PEM."""
    pem: bytes = certificate.public_bytes(serialization.Encoding.PEM)
    return pem.decode("ascii")


def key_to_pem(key: PrivateKey) -> bytes:
    """Write a private key as PEM, without a passphrase: the file's mode guards it."""
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem


def _common_name(name: x509.Name) -> str | None:
    values = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(values[0].value) if values else None


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: Any,  # noqa: ANN401 - any public key of the library
    serial: int,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(serial)
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + life)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=not signs_certificates,  # static RSA suites (A00.FR.317)
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
