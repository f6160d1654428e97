"""What an HTTP client of `http://` addresses is given as `verify`."""

from __future__ import annotations

import ssl

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody and costs nothing. Without it each client reads all the certificates of the world: 50 ms of CPU."""
