"""Whether a charge point belongs here (OCPP 1.6 ed. 2 §4.2 "Boot Notification")."""

from __future__ import annotations

from enum import StrEnum

from edge.domain.policy import Policy


class Registration(StrEnum):
    """§7.39 "RegistrationStatus"."""

    ACCEPTED = "Accepted"
    PENDING = "Pending"
    REJECTED = "Rejected"


class UnknownChargePoints(StrEnum):
    """What is done with a charge point that nobody announced."""

    REFUSE = "refuse"
    """HTTP 404 at the door."""
    PENDING = "pending"
    """It may connect and boot, and is told Pending until an operator accepts it."""


def interval_s(registration: Registration, policy: Policy) -> int:
    """Give the `interval` of a BootNotification answer: heartbeats when accepted, else the wait before the next try."""
    if registration is Registration.ACCEPTED:
        return policy.heartbeat_interval_s
    return policy.retry_boot_interval_s


MAX_IDENTITY = 48
"""Characters of an identity that is given here; OCPP 2.0.1 allows no more."""


def is_assignable(identity: str) -> bool:
    """Whether an identity may be given to a charge point.

    A colon would end the user name of Basic authentication, a slash the segment of the URL.
    """
    return 0 < len(identity) <= MAX_IDENTITY and identity.isprintable() and not {":", "/"} & set(identity)


Hardware = tuple[str | None, str | None, str | None]
"""Vendor, model and serial number; `None`: it did not say."""


def hardware_changes(before: Hardware, now: Hardware) -> list[str]:
    """Say in words what is another device's than before. A serial number that is given only once proves nothing."""
    return [
        f"{name} was {old!r} and is {new!r}"
        for name, old, new in zip(("vendor", "model", "serial number"), before, now, strict=True)
        if old is not None and new is not None and old != new
    ]
