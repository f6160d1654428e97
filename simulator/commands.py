"""How a charge point answers its central system (OCPP 1.6 ed. 2 chapter 5), and what it then does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from ocpp.v16 import call_result

from simulator.connection import FollowUp
from simulator.connector import Status
from simulator.profile_commands import ProfileCommands
from simulator.uplink import Registration

if TYPE_CHECKING:
    from simulator.charge_point import ChargePoint

VENDOR_ID = "org.gardu.simulator"
"""The one vendor whose DataTransfer is understood: message `Echo` gives its data back."""

Answer = tuple[object, FollowUp | None]
_ACCEPTED, _REJECTED = "Accepted", "Rejected"


class Commands:
    """The desk at which the central system's calls arrive.

    Args:
        charge_point: The one that obeys.
    """

    def __init__(self, charge_point: ChargePoint) -> None:
        self._charge_point = charge_point
        self._answers: dict[str, Callable[[dict[str, object]], Answer]] = {
            "ChangeAvailability": self._change_availability,
            "ChangeConfiguration": self._change_configuration,
            "ClearCache": self._clear_cache,
            "DataTransfer": self._data_transfer,
            "GetConfiguration": self._get_configuration,
            "RemoteStartTransaction": self._remote_start_transaction,
            "RemoteStopTransaction": self._remote_stop_transaction,
            "Reset": self._reset,
            "UnlockConnector": self._unlock_connector,
            **ProfileCommands(charge_point).answers,
        }

    @property
    def answers_calls(self) -> bool:
        """A rejected charge point answers nothing (§4.2)."""
        return self._charge_point.uplink.registration is not Registration.REJECTED

    def answer(self, action: str, payload: dict[str, object]) -> Answer:
        """Answer one call, and note it in the ledger once the answer has left."""
        answer, follow_up = self._answers[action](payload)
        status = str(getattr(answer, "status", _ACCEPTED))

        def after() -> None:
            self._charge_point.command_answered(action, status)
            if follow_up:
                follow_up()

        return answer, after

    def _change_availability(self, payload: dict[str, object]) -> Answer:
        """§5.2."""
        charge_point, connector_id = self._charge_point, cast("int", payload["connector_id"])
        bays = [bay for bay in charge_point.bays if connector_id in {0, bay.connector.connector_id}]
        if not bays:
            return call_result.ChangeAvailability(status=_REJECTED), None
        operative = payload["type"] == "Operative"
        scheduled = not operative and any(bay.connector.in_use for bay in bays)
        for bay in bays:
            bay.connector.operative = operative

        def follow_up() -> None:
            if connector_id == 0:
                charge_point.set_availability(operative=operative)
            for bay in bays:
                if not bay.connector.in_use:
                    rests = bay.connector.status is Status.FINISHING and operative
                    bay.connector.move(bay.connector.status) if rests else bay.connector.rest()

        return call_result.ChangeAvailability(status="Scheduled" if scheduled else _ACCEPTED), follow_up

    def _change_configuration(self, payload: dict[str, object]) -> Answer:
        """§5.3."""
        key, value = str(payload["key"]), str(payload["value"])
        status = self._charge_point.configuration.change(key, value)
        beat = status == _ACCEPTED and key.casefold() == "heartbeatinterval"
        return call_result.ChangeConfiguration(status=status), self._charge_point.uplink.hurry if beat else None

    def _clear_cache(self, _payload: dict[str, object]) -> Answer:
        """§5.4."""
        cleared = self._charge_point.cache.clear()
        return call_result.ClearCache(status=_ACCEPTED if cleared else _REJECTED), None

    def _data_transfer(self, payload: dict[str, object]) -> Answer:
        """§5.6."""
        if payload["vendor_id"] != VENDOR_ID:
            return call_result.DataTransfer(status="UnknownVendorId"), None
        if payload.get("message_id") != "Echo":
            return call_result.DataTransfer(status="UnknownMessageId"), None
        return call_result.DataTransfer(status=_ACCEPTED, data=payload.get("data")), None

    def _get_configuration(self, payload: dict[str, object]) -> Answer:
        """§5.8."""
        names = cast("list[str] | None", payload.get("key"))
        known, unknown = self._charge_point.configuration.report(names)
        return call_result.GetConfiguration(configuration_key=known, unknown_key=unknown or None), None

    def _remote_start_transaction(self, payload: dict[str, object]) -> Answer:
        """§5.11. Without `connectorId` the first free connector takes it."""
        charge_point = self._charge_point
        connector_id = payload.get("connector_id")
        ready = charge_point.uplink.registration is Registration.ACCEPTED
        started = ready and any(
            bay.start_remotely(str(payload["id_tag"]), cast("dict[str, Any] | None", payload.get("charging_profile")))
            for bay in charge_point.bays
            if connector_id in {None, bay.connector.connector_id}
        )
        return call_result.RemoteStartTransaction(status=_ACCEPTED if started else _REJECTED), None

    def _remote_stop_transaction(self, payload: dict[str, object]) -> Answer:
        """§5.12."""
        number = payload["transaction_id"]
        for bay in self._charge_point.bays:
            if bay.transaction is not None and bay.transaction.transaction_id == number:
                return call_result.RemoteStopTransaction(status=_ACCEPTED), lambda bay=bay: bay.stop("Remote")
        return call_result.RemoteStopTransaction(status=_REJECTED), None

    def _reset(self, payload: dict[str, object]) -> Answer:
        """§5.14."""
        hard = payload["type"] == "Hard"
        return call_result.Reset(status=_ACCEPTED), lambda: self._charge_point.reset(hard=hard)

    def _unlock_connector(self, payload: dict[str, object]) -> Answer:
        """§5.18. A running transaction ends first; an unknown connector is NotSupported (errata 3.85)."""
        for bay in self._charge_point.bays:
            if bay.connector.connector_id == payload["connector_id"]:
                bay.stop("UnlockCommand")
                return call_result.UnlockConnector(status="Unlocked"), None
        return call_result.UnlockConnector(status="NotSupported"), None
