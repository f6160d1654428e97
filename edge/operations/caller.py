"""What the operations to a charge point, the relay and the API need from whoever holds the connections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Caller(Protocol):
    """Sends a CALL to a charge point and waits for its answer. `central_system` implements it."""

    async def call(
        self,
        charge_point: str,
        action: str,
        payload: dict[str, Any],
        *,
        may_send: Callable[[], bool] = lambda: True,
    ) -> dict[str, Any]:
        """Send a CALL, after those that wait already, and return the payload of the CALLRESULT.

        Args:
            charge_point: its identity.
            action: for example `Reset`.
            payload: the OCPP request, camelCase, checked already.
            may_send: asked directly before the frame is written to the socket; a refusal raises `TooLateError`.

        Raises:
            NotConnectedError: no connection, or it broke before the answer.
            CallFailedError: CALLERROR.
            CallTimeoutError: no answer in time.
            TooLateError: `may_send` said no; nothing was sent.
        """
        ...

    def connected(self) -> list[str]:
        """List the identities that have a connection now, sorted."""
        ...

    async def drop(self, charge_point: str, reason: str) -> None:
        """End the connection of a charge point, if it has one; it dials in again by itself."""
        ...
