"""One WebSocket connection, on the `ocpp` package's own `ChargePoint`, with its traps closed.

The traps: a pending call is not failed when the line drops; `call()` hides a CALLERROR; a handler that calls back
deadlocks; an action without a handler is answered with the wrong one of NotImplemented and NotSupported; a `null`
payload is refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol, cast

from ocpp.exceptions import NotImplementedError as UnknownActionError
from ocpp.exceptions import NotSupportedError as UnsupportedActionError
from ocpp.exceptions import OCPPError, UnknownCallErrorCodeError
from ocpp.exceptions import ValidationError as PayloadValidationError
from ocpp.routing import on
from ocpp.v16 import ChargePoint as OcppChargePoint
from ocpp.v16.enums import Action
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

LOGGER = logging.getLogger(__name__)
_KNOWN_ACTIONS = frozenset(action.value for action in Action)

TO_CHARGE_POINT = (
    Action.cancel_reservation,
    Action.certificate_signed,
    Action.change_availability,
    Action.change_configuration,
    Action.clear_cache,
    Action.clear_charging_profile,
    Action.data_transfer,
    Action.delete_certificate,
    Action.extended_trigger_message,
    Action.get_composite_schedule,
    Action.get_configuration,
    Action.get_diagnostics,
    Action.get_installed_certificate_ids,
    Action.get_local_list_version,
    Action.get_log,
    Action.install_certificate,
    Action.remote_start_transaction,
    Action.remote_stop_transaction,
    Action.reserve_now,
    Action.reset,
    Action.send_local_list,
    Action.set_charging_profile,
    Action.signed_update_firmware,
    Action.trigger_message,
    Action.unlock_connector,
    Action.update_firmware,
)
"""What a central system may ask."""

FollowUp = Callable[[], None]
"""What happens once an answer has left, in the order of the answers."""


class LineDownError(Exception):
    """There is no line, or it went down before the answer came. Nothing is known about the message."""


class CallFailedError(Exception):
    """The central system answered with a CALLERROR, with nonsense, or not in time (OCPP 1.6 ed. 2 §3.7.1)."""


class CommandDesk(Protocol):
    """Answers the central system's calls. Each method returns the answer and what follows once it has left."""

    @property
    def answers_calls(self) -> bool:
        """Whether calls are answered at all; a rejected charge point answers none (OCPP 1.6 ed. 2 §4.2)."""

    def answer(self, action: str, payload: dict[str, object]) -> tuple[object, FollowUp | None]:
        """Answer one call; the payload is the request in snake case."""


class Connection(OcppChargePoint):
    """The charge point's end of one connection.

    Args:
        identity: The charge point's.
        websocket: An open connection with the sub-protocol `ocpp1.6`.
        desk: Answers the central system's calls.
        timeout_s: How long to wait for an answer.
        lean: Skip the package's schema check of own calls, which costs a thread hop each.
    """

    def __init__(
        self, identity: str, websocket: ClientConnection, desk: CommandDesk, *, timeout_s: float, lean: bool
    ) -> None:
        super().__init__(identity, websocket, response_timeout=timeout_s, logger=LOGGER)
        self._desk = desk
        self._lean = lean
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._follow_ups: list[FollowUp] = []

    async def listen(self) -> None:
        """Take messages until the line goes down; then fail what waits for an answer."""
        try:
            await self.start()
        except ConnectionClosed as closed:
            LOGGER.info("%s: line down: %s", self.id, closed)
        finally:
            if not self._closed.done():
                self._closed.set_result(None)

    async def request(self, payload: object) -> object:
        """Send a call and wait for its result.

        Returns:
            The package's `call_result` object.

        Raises:
            LineDownError: The line went down first.
            CallFailedError: CALLERROR, an answer that breaks the schema, or no answer in time.
        """
        call = asyncio.ensure_future(self.call(payload, suppress=False, skip_schema_validation=self._lean))
        try:
            await asyncio.wait({call, self._closed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not call.done():
                call.cancel()
        if not call.done():
            raise LineDownError(f"{self.id}: the line went down")
        try:
            result: object = call.result()
        except ConnectionClosed as closed:
            raise LineDownError(f"{self.id}: the line went down") from closed
        except TimeoutError as silence:
            raise CallFailedError("no answer in time") from silence
        except (OCPPError, UnknownCallErrorCodeError, PayloadValidationError, TypeError) as refusal:
            raise CallFailedError(str(refusal) or type(refusal).__name__) from refusal
        return result

    async def _handle_call(self, msg: object) -> None:
        """Answer one call of the central system, then let its effects begin."""
        if not self._desk.answers_calls:
            return
        action = str(msg.action)  # type: ignore[attr-defined]  # the package's Call is untyped
        if action not in self.route_map:
            raise UnsupportedActionError if action in _KNOWN_ACTIONS else UnknownActionError
        if msg.payload is None:  # type: ignore[attr-defined]  # OCPP-J 1.6 §4.2.1 lets a payload be null
            msg.payload = {}  # type: ignore[attr-defined]
        await super()._handle_call(msg)
        follow_ups, self._follow_ups = self._follow_ups, []
        for follow_up in follow_ups:
            follow_up()

    def _answer(self, action: Action, payload: dict[str, object]) -> object:
        answer, follow_up = self._desk.answer(action.value, payload)
        if follow_up:
            self._follow_ups.append(follow_up)
        return answer


def _answers(action: Action) -> Callable[..., object]:
    def answer(self: Connection, **payload: object) -> object:
        return self._answer(action, payload)

    answer.__name__ = f"_on_{action.name}"  # the package finds handlers by their names
    return cast("Callable[..., object]", on(action)(answer))


for _action in TO_CHARGE_POINT:
    setattr(Connection, f"_on_{_action.name}", _answers(_action))
