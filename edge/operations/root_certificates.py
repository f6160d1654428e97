"""Bringing a new root to charge points and proving that it is there ("Improved security for OCPP 1.6-J" M05)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from edge.clock import Clock
from edge.errors import CallFailedError
from edge.store import roots
from edge.store.roots import Root
from edge.store.writer import Writer

CENTRAL_SYSTEM_ROOT = "CentralSystemRootCertificate"

Perform = Callable[[str, str, dict[str, Any]], Awaitable[dict[str, Any]]]


async def install(charge_point: str, root: Root, perform: Perform, writer: Writer, clock: Clock) -> tuple[str, bool]:
    """Install a root, then ask what is installed: only that proves it.

    Returns:
        The charge point's answer to InstallCertificate, and whether it listed the root afterwards.
    """
    payload = {"certificateType": CENTRAL_SYSTEM_ROOT, "certificate": root.pem}
    answer = await perform(charge_point, "InstallCertificate", payload)
    try:
        listed = await perform(charge_point, "GetInstalledCertificateIds", {"certificateType": CENTRAL_SYSTEM_ROOT})
    except CallFailedError:
        listed = {}
    proven = any(root.is_named_by(named) for named in listed.get("certificateHashData") or [] if named)
    now = clock.now()
    if proven:
        await writer.run(lambda tx: roots.prove(tx.connection, charge_point, root.number, now))
    else:
        await writer.run(lambda tx: roots.disprove(tx.connection, charge_point, root.number))
    return str(answer.get("status")), proven
