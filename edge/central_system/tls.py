"""TLS for charge points ("Improved security for OCPP 1.6-J" A00.FR.312-324): versions, suites, certificates."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path

from edge.errors import ConfigurationError

CIPHER_SUITES = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:"
    "AES128-GCM-SHA256:AES256-GCM-SHA384"
)
"""A00.FR.317, for TLS 1.2. The last two have no forward secrecy and are there for charge points that know no better."""


def server_context(certificates: Sequence[tuple[Path, Path]], *, client_roots: Sequence[str] | None) -> ssl.SSLContext:
    """Make the context of an entrance.

    Args:
        certificates: certificate chain and key, at most one of each kind of key; with an RSA and an ECDSA one, each
            charge point gets the one that it can check.
        client_roots: the PEM roots that clients' certificates must come from; `None`: clients show none.

    Raises:
        ConfigurationError: a certificate cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(CIPHER_SUITES)
    for chain, key in certificates:
        load(context, chain, key)
    if client_roots is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        for root in client_roots:
            trust(context, root)
    return context


def load(context: ssl.SSLContext, chain: Path, key: Path) -> None:
    """Let a context show a certificate; it takes the place of one with the same kind of key.

    Raises:
        ConfigurationError: it cannot be used.
    """
    try:
        context.load_cert_chain(chain, key)
    except (ssl.SSLError, OSError) as error:
        raise ConfigurationError(
            f"The certificate {chain} and the key {key} cannot be used: {error}",
            hint="Both must be PEM files, and the key must belong to the certificate.",
        ) from error


def trust(context: ssl.SSLContext, root_pem: str) -> None:
    """Let a context accept clients of one more root, for connections from now on.

    Raises:
        ConfigurationError: it is no certificate.
    """
    try:
        context.load_verify_locations(cadata=root_pem)
    except (ssl.SSLError, ValueError) as error:
        raise ConfigurationError(
            f"The roots of the charge points' certificates cannot be used: {error}",
            hint="central_system.client_roots names a PEM file with certificates.",
        ) from error
