"""The edge's own certificate authority: its roots and server certificates as files, and who trusts which root.

The files are the truth about roots, the database about which one is in use: a restored database finds them again.
"""

from __future__ import annotations

import os
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from edge.domain import certificates
from edge.domain.certificates import Issuer, Leaf, PrivateKey
from edge.store import roots

RENEW_BEFORE = timedelta(days=365)
"""A server certificate is made anew at a start in its last year."""


class Authority:
    """Signs for one site.

    Args:
        folder: of the keys; made with mode 0700.
        site: its short name, part of the roots' names.
    """

    def __init__(self, folder: Path, site: str) -> None:
        self._folder = folder
        self._site = site

    def ensure_root(self, connection: sqlite3.Connection, now: datetime) -> roots.Root:
        """Find the root in use; the first use makes it.

        Args:
            connection: inside a write transaction.
            now: for a new root.
        """
        known = {root.number for root in roots.all_of(connection)}
        for path in sorted(self._folder.glob("root-*.pem")):
            number = int(path.stem.removeprefix("root-"))
            if number not in known:
                self._register(connection, number, x509.load_pem_x509_certificate(path.read_bytes()), now)
        in_use = roots.in_use(connection)
        if in_use is None:
            numbers = [root.number for root in roots.all_of(connection)]
            number = self._used_last(numbers) if numbers else self.add_root(connection, now).number
            roots.use(connection, number)
            in_use = roots.find(connection, number)
        assert in_use is not None  # noqa: S101 - it was just made
        return in_use

    def add_root(self, connection: sqlite3.Connection, now: datetime) -> roots.Root:
        """Make one more root, which nobody trusts yet. Its key is on the disk before its row is."""
        numbers = [root.number for root in roots.all_of(connection)]
        number = max(numbers, default=0) + 1
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = certificates.make_root(self._site, number, key, x509.random_serial_number(), now)
        self._write(f"root-{number}.key", certificates.key_to_pem(key))
        self._write(f"root-{number}.pem", certificates.to_pem(certificate).encode())
        return self._register(connection, number, certificate, now)

    def issuer(self, root: roots.Root) -> Issuer:
        """Load a root with its key."""
        key = serialization.load_pem_private_key((self._folder / f"root-{root.number}.key").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - we wrote it
        return Issuer(x509.load_pem_x509_certificate(root.pem.encode()), key)

    def server_certificates(self, root: roots.Root, names: list[str], now: datetime) -> list[tuple[Path, Path]]:
        """Give an RSA and an ECDSA certificate for the server with their keys; those that still fit stay.

        Args:
            root: the one in use.
            names: DNS names under which charge points reach the edge.
            now: decides whether they still fit.
        """
        keys: dict[str, PrivateKey] = {}
        for kind in ("rsa", "ecdsa"):
            if not self._fits(root, kind, names, now):
                keys[kind] = (
                    rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
                )
        issuer = self.issuer(root) if keys else None
        for kind, key in keys.items():
            assert issuer is not None  # noqa: S101 - there are keys
            certificate = issuer.server(names, key, x509.random_serial_number(), now)
            self._write(f"server-{root.number}-{kind}.key", certificates.key_to_pem(key))
            self._write(f"server-{root.number}-{kind}.pem", certificates.to_pem(certificate).encode())
        return [
            (self._folder / f"server-{root.number}-{kind}.pem", self._folder / f"server-{root.number}-{kind}.key")
            for kind in ("rsa", "ecdsa")
        ]

    def sign(self, root: roots.Root, csr: str, names: set[str], now: datetime) -> tuple[str, Leaf]:
        """Sign a charge point's request.

        Returns:
            The chain in PEM, and its leaf.

        Raises:
            UnfitRequestError: it must not be signed.
        """
        request = certificates.check_request(csr, names)
        leaf = self.issuer(root).client(request, x509.random_serial_number(), now)
        return certificates.to_pem(leaf), Leaf(leaf)

    def _used_last(self, numbers: list[int]) -> int:
        """Find the root that was in use, when the database that knew it is gone.

        The newest one may have been made and never used: no charge point trusts it yet. A root that was used has
        certificates of the server; where none has, the first one was.
        """
        used = [number for number in numbers if (self._folder / f"server-{number}-ecdsa.pem").is_file()]
        return max(used, default=min(numbers))

    def _fits(self, root: roots.Root, kind: str, names: list[str], now: datetime) -> bool:
        path = self._folder / f"server-{root.number}-{kind}.pem"
        if not path.is_file() or not path.with_suffix(".key").is_file():
            return False
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        lasts: bool = certificate.not_valid_after_utc - now > RENEW_BEFORE
        return lasts and alternatives.get_values_for_type(x509.DNSName) == names

    def _register(
        self, connection: sqlite3.Connection, number: int, certificate: x509.Certificate, now: datetime
    ) -> roots.Root:
        pem = certificates.to_pem(certificate)
        return roots.insert(connection, number, pem, certificates.hash_data(certificate), now)

    def _write(self, name: str, content: bytes) -> None:
        """Write a file that only this user may read, whole or not at all."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path, draft = self._folder / name, self._folder / f"{name}.new"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
