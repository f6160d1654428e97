"""From a WebSocket URL to a charge point's identity (OCPP-J 1.6 §3.1.1 "The connection URL")."""

from __future__ import annotations

from urllib.parse import unquote

MAX_LENGTH = 255


def from_path(path: str) -> str | None:
    """Read the identity out of a request path: its last segment, percent-decoded once.

    Doubled and trailing slashes and a query are passed over, since charge points send them.

    Returns:
        The identity; `None` when there is none, or when it holds control characters or a slash.
    """
    segments = [segment for segment in path.partition("?")[0].split("/") if segment]
    if not segments:
        return None
    identity = unquote(segments[-1], errors="replace")
    if len(identity) > MAX_LENGTH or "/" in identity or "�" in identity or not identity.isprintable():
        return None
    return identity
