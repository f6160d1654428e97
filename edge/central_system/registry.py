"""Who is connected now. The newest authenticated connection of an identity wins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edge.central_system.connection import GOING_AWAY, Connection
from edge.errors import NotConnectedError


class Registry:
    """The open connections, by identity. Implements `operations.caller.Caller`."""

    def __init__(self) -> None:
        self._connections: dict[str, Connection] = {}

    def put(self, connection: Connection) -> Connection | None:
        """Make `connection` the one of its charge point.

        Returns:
            The older one that it replaces; `None`: there was none.
        """
        older = self._connections.get(connection.charge_point)
        self._connections[connection.charge_point] = connection
        return older

    def remove(self, connection: Connection) -> bool:
        """Forget `connection`, unless a newer one has taken its place.

        Returns:
            Whether the charge point is now without a connection.
        """
        if self._connections.get(connection.charge_point) is not connection:
            return False
        del self._connections[connection.charge_point]
        return True

    def all(self) -> list[Connection]:
        """List the open connections."""
        return list(self._connections.values())

    def connected(self) -> list[str]:
        """List the identities that have a connection now, sorted."""
        return sorted(self._connections)

    async def drop(self, charge_point: str, reason: str) -> None:
        """See `operations.caller.Caller.drop`."""
        connection = self._connections.get(charge_point)
        if connection is not None:
            await connection.close(GOING_AWAY, reason)

    async def call(
        self, charge_point: str, action: str, payload: dict[str, Any], *, may_send: Callable[[], bool] = lambda: True
    ) -> dict[str, Any]:
        """See `operations.caller.Caller.call`."""
        connection = self._connections.get(charge_point)
        if connection is None:
            raise NotConnectedError(
                f"The charge point {charge_point} is known but not connected now.",
                hint="Check its power and its network; it dials in by itself.",
            )
        return await connection.call(action, payload, may_send)
