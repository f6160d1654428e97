"""The tables, one module per noun, and what an event is once it has been received. Every table carries `site_id`."""

from __future__ import annotations

from cloud.models import (
    access,
    alarms,
    charging,
    commands,
    digests,
    directory,
    link,
    live,
    metering,
    pasts,
    published,
    sites,
)
from cloud.models.tables import Table

__all__ = [
    "Table",
    "access",
    "alarms",
    "charging",
    "commands",
    "digests",
    "directory",
    "link",
    "live",
    "metering",
    "pasts",
    "published",
    "sites",
]
