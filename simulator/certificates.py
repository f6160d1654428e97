"""The roots that a charge point trusts (security white paper ed. 2, M03 to M05). It has no key of its own."""

from __future__ import annotations

import hashlib
import re
import ssl
from collections.abc import Iterator
from typing import Any

HashData = dict[str, str]
"""A CertificateHashDataType, keys in the `ocpp` package's snake case."""
_MOST = 8
_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE, _INTEGER, _BIT_STRING = 0x30, 0x02, 0x03


class Certificates:
    """The certificate store of one charge point."""

    def __init__(self) -> None:
        self._roots: dict[str, list[bytes]] = {}

    def install(self, kind: str, pem: str) -> str:
        """Answer an InstallCertificate."""
        try:
            root = _read(pem)
            _hash_data(root, "SHA256")
        except (ValueError, IndexError):
            return "Rejected"
        roots = self._roots.setdefault(kind, [])
        if root not in roots:
            if len(roots) >= _MOST:
                return "Failed"
            roots.append(root)
        return "Accepted"

    def installed(self, kind: str) -> list[HashData]:
        """The hash data of every root of a kind."""
        return [_hash_data(root, "SHA256") for root in self._roots.get(kind, [])]

    def delete(self, wanted: dict[str, Any]) -> str:
        """Answer a DeleteCertificate; the last root of the central system stays, since the line needs it."""
        for kind, roots in self._roots.items():
            for root in roots:
                if _hash_data(root, str(wanted["hash_algorithm"])) != wanted:
                    continue
                if kind == "CentralSystemRootCertificate" and len(roots) == 1:
                    return "Failed"
                roots.remove(root)
                return "Accepted"
        return "NotFound"


def _read(pem: str) -> bytes:
    """Read the first certificate of a PEM text.

    Raises:
        ValueError: There is none.
    """
    block = _BLOCK.search(pem)
    if block is None:
        raise ValueError("no certificate")
    return ssl.PEM_cert_to_DER_cert(block.group())


def _hash_data(certificate: bytes, algorithm: str) -> HashData:
    """Identify a self-signed root as OCSP does: hashes of its issuer's name and key, and its serial number.

    Raises:
        ValueError: It is no X.509 certificate.
        IndexError: It ends too early.
    """
    [(_, whole, _), *_] = _fields(certificate)
    [(_, signed, _), *_] = _fields(whole)
    fields = [field for field in _fields(signed) if field[0] in {_SEQUENCE, _INTEGER}]
    (_, serial, _), _, (_, _, issuer), _, _, (_, key_info, _) = fields[:6]
    key = [content for tag, content, _ in _fields(key_info) if tag == _BIT_STRING][0][1:]  # noqa: RUF015 - IndexError
    name = algorithm.lower()
    return {
        "hash_algorithm": algorithm,
        "issuer_name_hash": hashlib.new(name, issuer).hexdigest(),
        "issuer_key_hash": hashlib.new(name, key).hexdigest(),
        "serial_number": f"{int.from_bytes(serial, 'big'):x}",
    }


def _fields(der: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Take DER apart: tag, content, and the whole field, one after the other."""
    place = 0
    while place < len(der):
        tag, length, begins = der[place], der[place + 1], place + 2
        if length & 0x80:
            digits = length & 0x7F
            length, begins = int.from_bytes(der[begins : begins + digits], "big"), begins + digits
        if begins + length > len(der):
            raise ValueError("a field ends too early")
        yield tag, der[begins : begins + length], der[place : begins + length]
        place = begins + length
