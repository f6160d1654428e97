"""What follows from a good login: earlier keys end, and lower security profiles are refused from now on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contract.events import SecurityEventRecorded
from edge.domain.security_profile import SecurityProfile
from edge.operations.from_charge_point.request import subject
from edge.store import charge_points, keys
from edge.store.writer import WriteTx


@dataclass(frozen=True, slots=True)
class Login:
    """How a charge point proved itself."""

    profile: SecurityProfile
    generation: int | None
    """Of its key; `None`: it showed none."""


def record_login(tx: WriteTx, charge_point: str, login: Login, now: datetime) -> None:
    """Let a new key's first login end the old one (A01.FR.03), and a higher profile the lower ones (A05.FR.09)."""
    changes = []
    if login.generation is not None and keys.forget_before(tx.connection, charge_point, login.generation):
        changes.append(("key_changed", "It logged in with its new key; the old one ended."))
    if charge_points.raise_profile(tx.connection, charge_point, login.profile):
        changes.append(("security_profile_raised", f"It came in on security profile {login.profile:d}."))
    for kind, detail in changes:
        event = SecurityEventRecorded(kind=kind, charge_point=charge_point, detail=detail)
        tx.emit(event, subject=subject(charge_point), occurred_at=now)
