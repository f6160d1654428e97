"""Tables 1 to 8 of the paper: what a charge point asks, sent by a charge point that is not ours.

Where a table's printed text contradicts OCPP 1.6, OCPP holds; the assertion says so.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.conformance.conftest import CHARGE_POINT, Site
from tests.harness.station import Station, connected


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@pytest.mark.parametrize(
    ("id_tag", "status"),
    [("12345", "Accepted"), ("EXPIRED", "Expired"), ("BLOCKED", "Blocked"), ("NOBODY", "Invalid")],
)
async def test_table_01_authorize_tells_what_the_id_tag_is_worth(station: Station, id_tag: str, status: str) -> None:
    answer = await station.ask("Authorize", id_tag=id_tag)
    assert answer.id_tag_info["status"] == status


async def test_table_01_authorize_tells_expiry_and_parent(station: Station) -> None:
    expired = await station.ask("Authorize", id_tag="expired")  # ids compare without regard to case
    assert expired.id_tag_info == {"status": "Expired", "expiry_date": "2020-01-01T00:00:00.000Z"}
    family = await station.ask("Authorize", id_tag="FAMILY")
    assert (family.id_tag_info["status"], family.id_tag_info["parent_id_tag"]) == ("Accepted", "HOUSE")
    assert family.id_tag_info["expiry_date"] > now()  # when it leaves the charge point's cache


async def test_table_02_boot_notification_is_accepted_with_time_and_interval(site: Site) -> None:
    async with connected(site.edge.ws_url, CHARGE_POINT, site.password) as station:
        answer = await station.boot()
    assert answer.status == "Accepted"
    # The paper's printed result misnames these two; their run showed an interval of 60.
    assert answer.interval == 60
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answer.current_time)
    assert abs(datetime.fromisoformat(answer.current_time) - datetime.now(UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("vendor", "message", "status"),
    [
        ("VendorA", "customMsg", "Accepted"),
        ("VendorA", "otherMsg", "UnknownMessageId"),
        ("VendorB", "customMsg", "UnknownVendorId"),
    ],
)
async def test_table_03_data_transfer_is_accepted_from_known_vendors(
    station: Station, vendor: str, message: str, status: str
) -> None:
    answer = await station.ask("DataTransfer", vendor_id=vendor, message_id=message, data="Some data")
    assert answer.status == status


async def test_table_04_heartbeat_is_answered_with_the_time(station: Station) -> None:
    answer = await station.ask("Heartbeat")
    # The paper prints the criterion of DataTransfer here, by mistake.
    assert abs(datetime.fromisoformat(answer.current_time) - datetime.now(UTC)) < timedelta(seconds=5)


async def test_table_05_a_meter_value_that_is_no_number_is_answered_and_kept_in_quarantine(
    station: Station, api: httpx.AsyncClient
) -> None:
    at = now()
    sample = {
        "value": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "context": "Transaction.Begin",
        "format": "Raw",
        "measurand": "Power.Active.Export",
        "phase": "L2",
        "location": "Body",
        "unit": "Percent",
    }
    answer = await station.ask(
        "MeterValues", connector_id=1, meter_value=[{"timestamp": at, "sampled_value": [sample]}]
    )
    assert answer == type(answer)()
    kept = (await api.get("quarantine", params={"limit": 1000})).json()["items"]
    mine = [item for item in kept if at in item["raw"]]
    assert len(mine) == 1
    assert "Power.Active.Export is no number" in mine[0]["reason"]


async def test_table_06_start_transaction_gets_a_number_and_the_tags_status(
    station: Station, api: httpx.AsyncClient
) -> None:
    started = await station.ask("StartTransaction", connector_id=1, id_tag="12345", meter_start=0, timestamp=now())
    assert isinstance(started.transaction_id, int)
    assert started.transaction_id > 0
    assert started.id_tag_info["status"] == "Accepted"
    record = (await api.get(f"transactions/{started.transaction_id}")).json()
    assert (record["charge_point"], record["connector_id"], record["meter_start_wh"]) == (CHARGE_POINT, 1, 0)
    await station.ask(
        "StopTransaction", transaction_id=started.transaction_id, meter_stop=0, timestamp=now(), id_tag="12345"
    )


async def test_table_07_status_notification_is_answered_and_kept(station: Station, api: httpx.AsyncClient) -> None:
    answer = await station.ask("StatusNotification", connector_id=1, error_code="NoError", status="Available")
    assert answer == type(answer)()
    connectors = (await api.get(f"charge-points/{CHARGE_POINT}")).json()["connectors"]
    assert [(one["connector_id"], one["status"]) for one in connectors if one["connector_id"] == 1] == [
        (1, "Available")
    ]


async def test_table_08_stop_transaction_is_accepted_and_its_energy_is_kept(
    station: Station, api: httpx.AsyncClient
) -> None:
    started = await station.ask("StartTransaction", connector_id=1, id_tag="12345", meter_start=0, timestamp=now())
    answer = await station.ask(
        "StopTransaction", id_tag="12345", timestamp=now(), meter_stop=25, transaction_id=started.transaction_id
    )
    # OCPP's answer carries no transactionId, whatever the paper prints.
    assert answer.id_tag_info["status"] == "Accepted"
    record = (await api.get(f"transactions/{started.transaction_id}")).json()
    assert (record["meter_stop_wh"], record["energy_wh"], record["reason"]) == (25, 25, "Local")
    assert record["stopped_at"] is not None
