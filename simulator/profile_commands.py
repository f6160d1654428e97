"""How a charge point answers the operations beyond Core (OCPP 1.6 ed. 2 chapter 5, security white paper ed. 2)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from ocpp.v16 import call_result

from simulator.bay import Bay
from simulator.charging_profiles import MAX_PROFILE, TX_PROFILE
from simulator.clock import from_wire, to_wire
from simulator.connection import FollowUp
from simulator.connector import Status
from simulator.reservations import Reservation
from simulator.uplink import Registration

if TYPE_CHECKING:
    from simulator.charge_point import ChargePoint

Payload = dict[str, Any]
Answer = tuple[object, FollowUp | None]
_ACCEPTED, _REJECTED = "Accepted", "Rejected"


class ProfileCommands:
    """The desk for all profiles but Core.

    Args:
        charge_point: The one that obeys.
    """

    def __init__(self, charge_point: ChargePoint) -> None:
        self._charge_point = charge_point
        self.answers: dict[str, Callable[[Payload], Answer]] = {
            "CancelReservation": self._cancel_reservation,
            "CertificateSigned": self._certificate_signed,
            "ClearChargingProfile": self._clear_charging_profile,
            "DeleteCertificate": self._delete_certificate,
            "ExtendedTriggerMessage": self._extended_trigger_message,
            "GetCompositeSchedule": self._get_composite_schedule,
            "GetDiagnostics": self._get_diagnostics,
            "GetInstalledCertificateIds": self._get_installed_certificate_ids,
            "GetLocalListVersion": self._get_local_list_version,
            "GetLog": self._get_log,
            "InstallCertificate": self._install_certificate,
            "ReserveNow": self._reserve_now,
            "SendLocalList": self._send_local_list,
            "SetChargingProfile": self._set_charging_profile,
            "SignedUpdateFirmware": self._signed_update_firmware,
            "TriggerMessage": self._trigger_message,
            "UpdateFirmware": self._update_firmware,
        }

    def _bay(self, connector_id: int) -> Bay | None:
        return next((bay for bay in self._charge_point.bays if bay.connector.connector_id == connector_id), None)

    def _get_local_list_version(self, _payload: Payload) -> Answer:
        """§5.10."""
        return call_result.GetLocalListVersion(list_version=self._charge_point.local_list.version), None

    def _send_local_list(self, payload: Payload) -> Answer:
        """§5.15."""
        status = self._charge_point.local_list.update(
            payload["list_version"], payload["update_type"], payload.get("local_authorization_list") or []
        )
        return call_result.SendLocalList(status=status), None

    def _reserve_now(self, payload: Payload) -> Answer:
        """§5.13."""
        reservation = Reservation(
            payload["reservation_id"], payload["connector_id"], payload["id_tag"], from_wire(payload["expiry_date"])
        )
        status = self._reservable(reservation)
        if status != _ACCEPTED:
            return call_result.ReserveNow(status=status), None
        self._charge_point.reservations.hold(reservation)
        return call_result.ReserveNow(status=status), partial(self._charge_point.begin_reservation, reservation)

    def _reservable(self, wanted: Reservation) -> str:
        bay = self._bay(wanted.connector_id)
        if wanted.expires_at <= self._charge_point.clock.now() or (bay is None and wanted.connector_id != 0):
            return _REJECTED
        if bay is None:
            free = any(one.connector.status is Status.AVAILABLE for one in self._charge_point.bays)
            return _ACCEPTED if free else "Occupied"
        match bay.connector.status:
            case Status.AVAILABLE:
                return _ACCEPTED
            case Status.FAULTED:
                return "Faulted"
            case Status.UNAVAILABLE:
                return "Unavailable"
        held = self._charge_point.reservations.of(wanted.connector_id)
        return _ACCEPTED if held is not None and held.number == wanted.number else "Occupied"

    def _cancel_reservation(self, payload: Payload) -> Answer:
        """§5.1."""
        reservation = self._charge_point.reservations.end(payload["reservation_id"])
        if reservation is None:
            return call_result.CancelReservation(status=_REJECTED), None
        return call_result.CancelReservation(status=_ACCEPTED), partial(self._charge_point.end_reservation, reservation)

    def _set_charging_profile(self, payload: Payload) -> Answer:
        """§5.16."""
        charge_point, connector_id = self._charge_point, int(payload["connector_id"])
        profile: Payload = payload["cs_charging_profiles"]
        if not self._fits(connector_id, profile):
            return call_result.SetChargingProfile(status=_REJECTED), None
        charge_point.charging_profiles.install(connector_id, profile, charge_point.clock.now())
        return call_result.SetChargingProfile(status=_ACCEPTED), None

    def _fits(self, connector_id: int, profile: Payload) -> bool:
        configuration, bay = self._charge_point.configuration, self._bay(connector_id)
        purpose = profile["charging_profile_purpose"]
        full = len(self._charge_point.charging_profiles) >= configuration.integer("MaxChargingProfilesInstalled")
        if full or profile["stack_level"] > configuration.integer("ChargeProfileMaxStackLevel"):
            return False
        if purpose == TX_PROFILE:
            running = bay.transaction if bay else None
            number = profile.get("transaction_id")
            return running is not None and number in {None, running.transaction_id}
        return connector_id == 0 or (bay is not None and purpose != MAX_PROFILE)

    def _clear_charging_profile(self, payload: Payload) -> Answer:
        """§5.5."""
        cleared = self._charge_point.charging_profiles.clear(payload)
        return call_result.ClearChargingProfile(status=_ACCEPTED if cleared else "Unknown"), None

    def _get_composite_schedule(self, payload: Payload) -> Answer:
        """§5.7. In watt it is told for three phases."""
        charge_point, connector_id = self._charge_point, int(payload["connector_id"])
        bays = charge_point.bays if connector_id == 0 else [self._bay(connector_id)]
        if bays[0] is None:
            return call_result.GetCompositeSchedule(status=_REJECTED), None
        meter, running = bays[0].connector.meter, bays[0].transaction
        began_at = running.started_at if running and connector_id else None
        now, unit = charge_point.clock.now(), payload.get("charging_rate_unit") or "A"
        limits = charge_point.charging_profiles.composite(
            connector_id, now, payload["duration"], meter.max_current_a * len(bays), began_at
        )
        factor = 1.0 if unit == "A" else meter.voltage_v * 3
        schedule = {
            "duration": payload["duration"],
            "start_schedule": to_wire(now),
            "charging_rate_unit": unit,
            "charging_schedule_period": [
                {"start_period": start, "limit": round(limit * factor, 1)} for start, limit in limits
            ],
        }
        return call_result.GetCompositeSchedule(
            status=_ACCEPTED, connector_id=connector_id, schedule_start=to_wire(now), charging_schedule=schedule
        ), None

    def _update_firmware(self, payload: Payload) -> Answer:
        """§5.19."""
        job = partial(
            self._charge_point.maintenance.update_firmware, payload["location"], from_wire(payload["retrieve_date"])
        )
        return call_result.UpdateFirmware(), lambda: self._charge_point.spawn(job())

    def _signed_update_firmware(self, payload: Payload) -> Answer:
        """White paper L01."""
        maintenance, firmware = self._charge_point.maintenance, payload["firmware"]
        if "BEGIN CERTIFICATE" not in firmware["signing_certificate"]:
            return call_result.SignedUpdateFirmware(status="InvalidCertificate"), None
        status = _ACCEPTED if maintenance.signed_firmware[1] is None else "AcceptedCanceled"
        job = partial(
            maintenance.update_signed_firmware,
            payload["request_id"],
            firmware["location"],
            from_wire(firmware["retrieve_date_time"]),
        )
        return call_result.SignedUpdateFirmware(status=status), lambda: self._charge_point.spawn(job())

    def _get_diagnostics(self, _payload: Payload) -> Answer:
        """§5.9."""
        name, job = f"{self._charge_point.identity}-diagnostics.log", self._charge_point.maintenance.get_diagnostics
        return call_result.GetDiagnostics(file_name=name), lambda: self._charge_point.spawn(job())

    def _get_log(self, payload: Payload) -> Answer:
        """White paper N01."""
        maintenance, number = self._charge_point.maintenance, int(payload["request_id"])
        status = _ACCEPTED if maintenance.log[1] is None else "AcceptedCanceled"
        name = f"{self._charge_point.identity}-{payload['log_type']}.log"
        answer = call_result.GetLog(status=status, filename=name)
        return answer, lambda: self._charge_point.spawn(maintenance.get_log(number))

    def _install_certificate(self, payload: Payload) -> Answer:
        """White paper M05."""
        status = self._charge_point.certificates.install(payload["certificate_type"], payload["certificate"])
        return call_result.InstallCertificate(status=status), None

    def _delete_certificate(self, payload: Payload) -> Answer:
        """White paper M04."""
        status = self._charge_point.certificates.delete(payload["certificate_hash_data"])
        return call_result.DeleteCertificate(status=status), None

    def _get_installed_certificate_ids(self, payload: Payload) -> Answer:
        """White paper M03."""
        found = self._charge_point.certificates.installed(payload["certificate_type"])
        status = _ACCEPTED if found else "NotFound"
        return call_result.GetInstalledCertificateIds(status=status, certificate_hash_data=found or None), None

    def _certificate_signed(self, _payload: Payload) -> Answer:
        """White paper A02. It has asked for none, so none fits."""
        return call_result.CertificateSigned(status=_REJECTED), None

    def _trigger_message(self, payload: Payload) -> Answer:
        """§5.17. The message leaves after the answer; no BootNotification once accepted (errata 3.35)."""
        maintenance = self._charge_point.maintenance
        own = {
            "DiagnosticsStatusNotification": maintenance.tell_diagnostics,
            "FirmwareStatusNotification": maintenance.tell_firmware,
        }
        status, follow_up = self._triggered(payload, own)
        return call_result.TriggerMessage(status=status), follow_up

    def _extended_trigger_message(self, payload: Payload) -> Answer:
        """White paper "ExtendedTriggerMessage"."""
        maintenance = self._charge_point.maintenance
        own = {
            "FirmwareStatusNotification": maintenance.tell_signed_firmware,
            "LogStatusNotification": maintenance.tell_log,
        }
        status, follow_up = self._triggered(payload, own)
        return call_result.ExtendedTriggerMessage(status=status), follow_up

    def _triggered(
        self, payload: Payload, own: dict[str, Callable[[], Coroutine[Any, Any, None]]]
    ) -> tuple[str, FollowUp | None]:
        """Tell the answer to a trigger, and what follows it; `own` are the messages of this kind of trigger alone."""
        charge_point = self._charge_point
        connector_id = cast("int | None", payload.get("connector_id"))
        if connector_id is not None and connector_id not in range(len(charge_point.bays) + 1):
            return _REJECTED, None
        name = str(payload["requested_message"])
        if (charge_point.uplink.registration is Registration.ACCEPTED) is (name == "BootNotification"):
            return _REJECTED, None
        follow_ups: dict[str, FollowUp] = {
            "BootNotification": charge_point.uplink.hurry,
            "Heartbeat": charge_point.uplink.hurry,
            "StatusNotification": partial(charge_point.report_status, connector_id),
            "MeterValues": partial(charge_point.report_meter_values, connector_id),
            **{other: partial(self._spawn, tell) for other, tell in own.items()},
        }
        follow_up = follow_ups.get(name)
        return (_ACCEPTED, follow_up) if follow_up else ("NotImplemented", None)

    def _spawn(self, tell: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._charge_point.spawn(tell())
