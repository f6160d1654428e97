"""Makes charge points and drivers known at an edge, over its local REST API."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from simulator.demo.apis import Api

_TAGS_PER_CONNECTOR = 3
REMOTE_ID_TAG = "GARDU-REMOTE"
"""Whose charging is started from the cloud."""


@dataclass(frozen=True, slots=True)
class Drivers:
    """The id tags of the campus.

    Attributes:
        id_tags: All of them, in the order in which a fleet shares them out.
        blocked: Those that are refused as Blocked.
        expired: Those that are refused as Expired.
    """

    id_tags: tuple[str, ...]
    blocked: frozenset[str]
    expired: frozenset[str]

    @classmethod
    def for_connectors(cls, connectors: int) -> Self:
        """Three drivers for each connector; a few of the last are refused."""
        id_tags = tuple(f"GARDU{number:04d}" for number in range(1, _TAGS_PER_CONNECTOR * connectors + 1))
        return cls(id_tags, blocked=frozenset(id_tags[-3::-6][:2]), expired=frozenset(id_tags[-1::-6][:2]))

    def entries(self) -> Iterable[tuple[str, dict[str, object]]]:
        """Each id tag with the body that makes it known."""
        long_ago = (datetime.now(UTC) - timedelta(days=30)).isoformat()
        for id_tag in (*self.id_tags, REMOTE_ID_TAG):
            yield (
                id_tag,
                {
                    "status": "Blocked" if id_tag in self.blocked else "Accepted",
                    "expires_at": long_ago if id_tag in self.expired else None,
                    "parent_id_tag": None,
                },
            )


async def provision(edge: Api, identities: Iterable[str], drivers: Drivers) -> dict[str, str]:
    """Write everything.

    Returns:
        The Basic password of each charge point, which the edge shows this once.

    Raises:
        DemoError: The edge refused something.
    """
    passwords: dict[str, str] = {}
    for identity in identities:
        passwords[identity] = (await edge.put(f"/api/v1/charge-points/{identity}", {}))["password"]
    for id_tag, body in drivers.entries():
        await edge.put(f"/api/v1/id-tags/{id_tag}", body)
    return passwords
