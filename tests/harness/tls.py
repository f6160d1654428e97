"""TLS as a charge point does it: its key, its request for a certificate, and what it trusts."""

from __future__ import annotations

import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

NAME = "edge.north.example"
"""The DNS name of the edge in the tests."""


def trusting(*roots: str, suites: str | None = None) -> ssl.SSLContext:
    """A client's context that trusts these roots, with the suites of TLS 1.2 if they are named."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for root in roots:
        context.load_verify_locations(cadata=root)
    if suites is not None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(suites)
    return context


class Owner:
    """A charge point's key pair with what it needs to ask for a certificate and to show it."""

    def __init__(self, folder: Path, common_name: str, *, bits: int | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = (
            ec.generate_private_key(ec.SECP256R1()) if bits is None else rsa.generate_private_key(65537, bits)
        )
        self.common_name = common_name
        self.key_file = folder / "client.key"
        self.key_file.write_bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    def csr(self) -> str:
        """A PKCS#10 request in PEM."""
        subject = [
            x509.NameAttribute(NameOID.COMMON_NAME, self.common_name),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Campus"),
        ]
        request = (
            x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject)).sign(self.key, hashes.SHA256())
        )
        return request.public_bytes(serialization.Encoding.PEM).decode()

    def show(self, context: ssl.SSLContext, chain: str) -> ssl.SSLContext:
        """Let a context show this certificate."""
        file = self.key_file.with_suffix(".pem")
        file.write_text(chain)
        context.load_cert_chain(file, self.key_file)
        return context
