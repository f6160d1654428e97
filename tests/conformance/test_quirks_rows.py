"""Each row of `quirks.yaml`, from the frames that it is about: what is answered, and what is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from contract.events import TransactionStarted
from edge.ocpp16.intake import take
from edge.ocpp16.quirks import Quirks, Row, general, merged, quirks_of, rows
from edge.ocppj.frames import Call
from edge.ocppj.session import Ignored, Reply, Session
from edge.operations.from_charge_point import dispatch
from edge.operations.from_charge_point.request import Request
from edge.store import charge_points, connectors
from tests.integration.edge.played_site import CP1, PlayedSite

AT = "2026-03-01T12:00:00Z"


@dataclass
class Talk:
    """A charge point's frames through the real session, intake, handlers and store."""

    played: PlayedSite
    session: Session = field(default_factory=Session)

    def hear(self, frame: str | bytes) -> Any:
        """Answer a frame as the edge does; `None`: there is no answer."""
        received = self.session.receive(frame)
        if isinstance(received, Reply):
            return json.loads(received.text)
        if isinstance(received, Ignored):
            return None
        assert isinstance(received, Call)
        intake = take(received.action, received.payload, received.doubt)
        raw = frame.encode() if isinstance(frame, str) else frame
        request = Request(
            CP1, received.action, intake.payload, raw, intake.doubt, self.played.policy, answer=intake.answer
        )
        now = self.played.clock.now()
        return json.loads(
            self.session.answer(received, self.played.write(lambda tx: dispatch.handle(request, tx, now)))
        )

    def boot(self, vendor: str, model: str, firmware: str | None) -> Quirks:
        """Boot as such a charge point does; returns what is known of it by what was kept."""
        boot = {"chargePointVendor": vendor, "chargePointModel": model}
        if firmware is not None:
            boot["firmwareVersion"] = firmware
        answer = self.hear(json.dumps([2, "boot", "BootNotification", boot]))
        assert answer[:2] == [3, "boot"]
        assert answer[2]["status"] == "Accepted"
        assert answer[2]["currentTime"].endswith("Z")
        assert "." in answer[2]["currentTime"]
        known = charge_points.find(self.played.connection, CP1)
        assert known is not None
        found = quirks_of(known.vendor, known.model, known.firmware_version)
        self.session.repairs = found.json_repair
        return found

    def start(self) -> int:
        frame = [
            2,
            "start",
            "StartTransaction",
            {"connectorId": 1, "idTag": "TAG", "meterStart": 1000, "timestamp": AT},
        ]
        return int(self.hear(json.dumps(frame))[2]["transactionId"])

    def samples(self) -> list[dict[str, Any]]:
        """What is stored, oldest first."""
        stored = self.played.connection.execute("SELECT samples FROM meter_value ORDER BY sampled_at")
        return [sample for row in stored for sample in orjson.loads(row["samples"])]

    def status(self, connector_id: int) -> str:
        found = {state.connector_id: state.status for state in connectors.of_charge_point(self.played.connection, CP1)}
        return found[connector_id]


@pytest.fixture
def talk(played: PlayedSite) -> Talk:
    return Talk(played)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_a_charge_point_of_the_row_is_known_by_its_boot(talk: Talk, row: Row) -> None:
    found, alone = talk.boot(*row.example), merged([row])
    for flag in row.flags:
        if flag == "advice":
            assert set(alone.advice) <= set(found.advice)
        else:
            assert getattr(found, flag) == getattr(alone, flag), flag


def metered(*samples: dict[str, Any], connector_id: object = 1) -> str:
    """MeterValues under the id `m`."""
    value = [{"timestamp": AT, "sampledValue": samples}]
    return json.dumps([2, "m", "MeterValues", {"connectorId": connector_id, "meterValue": value}])


def started(**fields: Any) -> str:
    """StartTransaction under the id `s`."""
    payload = {"connectorId": 1, "idTag": "TAG", "meterStart": 1, "timestamp": AT} | fields
    return json.dumps([2, "s", "StartTransaction", payload])


def status(message_id: str, connector_id: int, word: str, **fields: Any) -> str:
    payload = {"connectorId": connector_id, "errorCode": "NoError", "status": word} | fields
    return json.dumps([2, message_id, "StatusNotification", payload])


def aefa(talk: Talk) -> None:
    number = talk.start()
    stop = '[2,"s","StopTransaction",{"transactionId":,"meterStop":1500,"timestamp":"2026-03-01T12:00:00"}]'
    assert talk.hear(stop) == [3, "s", {}]
    assert talk.played.transaction(number).energy_wh == 500
    assert talk.played.reasons() == ["the message was no JSON and was repaired"]


def zj_beny(talk: Talk) -> None:
    talk.start()
    frame = metered({"value": "5"}).replace('[{"value"', '[,{"value"')
    assert talk.hear(frame) == [3, "m", {}]
    assert [sample["value"] for sample in talk.samples()] == ["5"]


def stops_transaction_zero(talk: Talk) -> None:
    number = talk.start()
    frame = f'[2,"s","StopTransaction",{{"transactionId":0,"meterStop":1500,"timestamp":"{AT}"}}]'
    assert talk.hear(frame) == [3, "s", {}]
    assert talk.played.transaction(number).energy_wh == 500


def stops_a_negative_transaction(talk: Talk) -> None:
    number = talk.start()
    frame = f'[2,"s","StopTransaction",{{"transactionId":-17,"meterStop":1500,"timestamp":"{AT}","idTag":"TAG"}}]'
    assert talk.hear(frame)[2]["idTagInfo"]["status"] == "Accepted"
    assert talk.played.transaction(number).energy_wh == 500


def pads_numbers(talk: Talk) -> None:
    talk.start()
    frame = metered({"value": "  16.5 "})
    assert talk.hear(frame) == [3, "m", {}]
    assert [sample["value"] for sample in talk.samples()] == ["16.5"]


def times_without_zone(talk: Talk) -> None:
    frame = started(timestamp="2026-03-01T12:00:00", reservationId=0)
    number = talk.hear(frame)[2]["transactionId"]
    assert "no_zone" in talk.played.transaction(number).flags


def starts_with_a_clock_that_lies(talk: Talk) -> None:
    frame = started(timestamp="1970-01-01T00:00:09Z")
    started_at = talk.played.transaction(talk.hear(frame)[2]["transactionId"]).started_at
    assert started_at == talk.played.clock.at


def prepares_connector_zero(talk: Talk) -> None:
    frame = status("4", 0, "Preparing", info='{"a":1}')
    assert talk.hear(frame) == [3, "4", {}]
    assert talk.hear(frame.replace('"4"', '"offline-1"')) == [3, "offline-1", {}]


def reports_available_with_a_car(talk: Talk) -> None:
    number = talk.start()
    frame = status("a", 1, "Available", timestamp=AT)
    assert talk.hear(frame) == [3, "a", {}]
    assert talk.played.transaction(number).open


def repeats_the_begin(talk: Talk) -> None:
    talk.start()
    frame = metered({"value": "1200"}, {"value": "1000", "context": "Transaction.Begin"})
    assert talk.hear(frame) == [3, "m", {}]
    assert [sample.get("context") for sample in talk.samples()] == [None, "Transaction.Begin"]


def suspends_right_after_the_start(talk: Talk) -> None:
    talk.start()
    frame = '[2,"a","StatusNotification",{"connectorId":1,"errorCode":"NoError","status":"SuspendedEV"}]'
    assert talk.hear(frame) == [3, "a", {}]
    assert talk.status(1) == "SuspendedEV"


STORIES: dict[str, Callable[[Talk], None]] = {
    "aefa": aefa,
    "zj-beny-commas": zj_beny,
    "delta-transaction-zero": stops_transaction_zero,
    "tkt": stops_transaction_zero,
    "etrel-inch": stops_a_negative_transaction,
    "everest": stops_a_negative_transaction,
    "enercab": pads_numbers,
    "growatt-thor": times_without_zone,
    "chago-clock": starts_with_a_clock_that_lies,
    "microocpp": starts_with_a_clock_that_lies,
    "en-plus": prepares_connector_zero,
    "evbox-available": reports_available_with_a_car,
    "wallbox-first-samples": suspends_right_after_the_start,
}
"""What such charge points send beside their boot. The other rows are about what is asked of them, or about limits."""


@pytest.mark.parametrize("name", STORIES)
def test_what_such_a_charge_point_sends_is_answered_and_kept(talk: Talk, name: str) -> None:
    (row,) = (row for row in rows() if row.name == name)
    talk.boot(*row.example)
    STORIES[name](talk)


def empty_samples(talk: Talk) -> None:
    frame = metered()
    assert talk.hear(frame) == [3, "m", {}]
    assert talk.samples() == []


def empty_frame_and_null(talk: Talk) -> None:
    assert talk.hear("") is None
    assert talk.hear('[2,"h","Heartbeat",null]')[:2] == [3, "h"]
    assert talk.hear('[2,"m","MeterValues",null]') == [3, "m", {}]


def stop_of_null(talk: Talk) -> None:
    number = talk.start()
    assert talk.hear(f'[2,"s","StopTransaction",{{"transactionId":null,"meterStop":1500,"timestamp":"{AT}"}}]') == [
        3,
        "s",
        {},
    ]
    assert talk.played.transaction(number).energy_wh == 500


def numbers_for_text(talk: Talk) -> None:
    frame = metered({"value": 230.5, "measurand": "Voltage"}, connector_id="1")
    assert talk.hear(frame) == [3, "m", {}]
    assert [sample["value"] for sample in talk.samples()] == ["230.5"]


def same_boot_again_and_again(talk: Talk) -> None:
    frame = '[2,"same","BootNotification",{"chargePointVendor":"METRON","chargePointModel":"ME3"}]'
    assert [talk.hear(frame)[2]["status"] for _ in range(3)] == ["Accepted"] * 3


def hertz(talk: Talk) -> None:
    frame = metered({"value": "50", "measurand": "Frequency", "unit": "Hz"})
    assert talk.hear(frame) == [3, "m", {}]
    assert talk.samples()[0]["unit"] == "Hertz"


def two_outlets_at_once(talk: Talk) -> None:
    first = talk.start()
    frame = f'[2,"2","StartTransaction",{{"connectorId":2,"idTag":"OTHER","meterStart":7,"timestamp":"{AT}"}}]'
    second = talk.hear(frame)[2]["transactionId"]
    assert talk.played.transaction(first).open
    assert talk.played.transaction(second).open


def retry_under_a_new_id(talk: Talk) -> None:
    number = talk.start()
    frame = f'[2,"other","StartTransaction",{{"connectorId":1,"idTag":"TAG","meterStart":1000,"timestamp":"{AT}"}}]'
    assert talk.hear(frame)[2]["transactionId"] == number


def stop_of_minus_one(talk: Talk) -> None:
    number = talk.start()
    assert talk.hear(f'[2,"s","StopTransaction",{{"transactionId":-1,"meterStop":1500,"timestamp":"{AT}"}}]') == [
        3,
        "s",
        {},
    ]
    assert talk.played.transaction(number).energy_wh == 500


def reservation_zero(talk: Talk) -> None:
    frame = started(reservationId=0)
    number = talk.hear(frame)[2]["transactionId"]
    (event,) = talk.played.events(TransactionStarted)
    assert (event.transaction_id, event.reservation_id) == (number, None)


GENERAL: dict[str, Callable[[Talk], None] | str] = {
    "configuration-without-value": "test_k_rpc.py",
    "unit-hertz": hertz,
    "one-transaction-per-connector": two_outlets_at_once,
    "any-origin": pads_numbers,
    "small-message-ids": prepares_connector_zero,
    "transaction-minus-one": stop_of_minus_one,
    "no-subprotocol": "test_connections.py",
    "reservation-zero": reservation_zero,
    "lost-stop": "test_k_transactions_orphans.py",
    "silence-is-three-intervals": "test_k_signs_of_life.py",
    "repeated-message-id": same_boot_again_and_again,
    "samples-after-the-stop": "test_k_transactions_meter_values.py",
    "numbers-instead-of-text": numbers_for_text,
    "configuration-of-any-type": "test_k_rpc.py",
    "register-begins-anew": "test_k_transactions_energy.py",
    "time-with-fraction": same_boot_again_and_again,
    "new-message-id-per-retry": retry_under_a_new_id,
    "transaction-null": stop_of_null,
    "no-samples": empty_samples,
    "empty-frame-and-null": empty_frame_and_null,
    "trigger-with-and-without-connector": "test_k_signs_of_life.py",
    "calls-unanswered": "test_connections.py",
    "no-baseline": "test_k_transactions_energy.py",
    "baseline-survives-restart": "test_connections.py",
}
"""What needs no flag: its test here, or the file of this folder that holds it."""


@pytest.mark.parametrize("name", [name for name, test in GENERAL.items() if not isinstance(test, str)])
def test_what_needs_no_flag_holds_for_everyone(talk: Talk, name: str) -> None:
    test = GENERAL[name]
    assert not isinstance(test, str)
    test(talk)


def test_every_row_has_a_test() -> None:
    assert set(STORIES) <= {row.name for row in rows()}
    assert set(GENERAL) == {one.name for one in general()}
