"""Whether the API may listen where it was told to."""

from __future__ import annotations

import ipaddress

from edge.errors import ConfigurationError


def check_exposure(host: str, *, has_keys: bool, tls: bool, behind_proxy: bool) -> None:
    """Refuse an API that others could use or overhear.

    Args:
        host: the address or name to listen on.
        has_keys: whether requests need an API key.
        tls: whether the API speaks TLS itself.
        behind_proxy: whether the settings name a proxy in front that speaks TLS. It opens even a loopback address to
            others, so keys are needed then, too.

    Raises:
        ConfigurationError: what is missing, with what would be right.
    """
    if not behind_proxy and is_loopback(host):
        return
    if not has_keys:
        where = "is reached through a proxy" if behind_proxy else f"would listen on '{host}', which others can reach,"
        raise ConfigurationError(
            f"The REST API {where} and has no API key.",
            hint="Configure an API key, or let the API listen on 127.0.0.1 without a proxy.",
        )
    if not (tls or behind_proxy):
        raise ConfigurationError(
            f"The REST API would listen on '{host}' without TLS: anybody on the network could read its keys.",
            hint="Give it a certificate and its key, or name the TLS proxy in front of it, "
            "or let it listen on 127.0.0.1.",
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`. A name other than localhost may mean anything."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
