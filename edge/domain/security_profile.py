"""The security profiles ("Improved security for OCPP 1.6-J" §2): how a charge point and the edge prove who they are."""

from __future__ import annotations

from enum import IntEnum


class SecurityProfile(IntEnum):
    """Higher is safer. A charge point that has come in on one is refused on a lower one afterwards (A05.FR.09)."""

    NONE = 0
    """Plain WebSocket, and nobody proves anything: only where the network itself is closed."""
    BASIC = 1
    """Plain WebSocket; the charge point shows its key, and whoever listens on the network reads it."""
    TLS_BASIC = 2
    """TLS; the edge shows a certificate, the charge point its key."""
    CLIENT_CERTIFICATE = 3
    """TLS; each shows a certificate."""

    @property
    def over_tls(self) -> bool:
        """Whether its entrance speaks TLS."""
        return self >= SecurityProfile.TLS_BASIC
