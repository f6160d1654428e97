"""What nobody needs any more leaves the database; what somebody may need stays."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from contract.commands import CommandState
from contract.streams import Stream
from edge.domain.alarms import AlarmKind
from edge.domain.configuration import Entry
from edge.domain.registration import Registration
from edge.domain.timestamps import iso
from edge.store import alarms, charge_points, commands, configurations, firmwares, outbox, outgrown, quarantine
from edge.store.commands import StoredCommand
from edge.store.configurations import Make
from edge.store.migrations import migrate
from edge.store.writer import WriteTx
from tests.integration.edge.played_site import CP1, NOON, PlayedSite

HISTORY = timedelta(days=365)
LONG_AGO = NOON - timedelta(days=400)
MADE = Make("VendorA", "M", "1.0")


@pytest.fixture
def site(tmp_path: Path) -> PlayedSite:
    migrate(tmp_path / "blank.db")
    played = PlayedSite.create(tmp_path / "blank.db", tmp_path / "edge.db")
    played.write(lambda tx: charge_points.put(tx.connection, CP1, Registration.ACCEPTED, NOON))
    return played


def prune(site: PlayedSite, now: datetime = NOON) -> dict[str, int]:
    """Clear once; tells how many rows went from which table."""
    went = {}
    for rule in outgrown.RULES:
        went[rule.table] = site.write(lambda tx, rule=rule: outgrown.prune(tx.connection, rule, now, HISTORY))  # type: ignore[misc]
    return {table: count for table, count in went.items() if count}


def test_cleared_alarms_go_and_standing_ones_stay(site: PlayedSite) -> None:
    def some(tx: WriteTx) -> None:
        alarms.raise_alarm(tx, AlarmKind.CLOCK_SUSPECT, "", "", LONG_AGO)
        alarms.clear_alarm(tx, AlarmKind.CLOCK_SUSPECT, "", LONG_AGO)
        alarms.raise_alarm(tx, AlarmKind.QUEUE_STUCK, "", "", LONG_AGO)
        alarms.raise_alarm(tx, AlarmKind.CALLS_UNANSWERED, CP1, "", LONG_AGO)
        alarms.clear_alarm(tx, AlarmKind.CALLS_UNANSWERED, CP1, NOON)

    site.write(some)
    assert prune(site) == {"alarm": 1}
    assert {one.kind for one in alarms.page(site.connection)} == {"QueueStuck", "CallsUnanswered"}


def ordered(tx: WriteTx, state: CommandState, at: datetime) -> None:
    command = StoredCommand(uuid4(), 1, "Reset", CP1, {"type": "Soft"}, "me", CommandState.DELIVERED, "boot", 0.0)
    commands.insert(tx.connection, command, at)
    commands.record(tx, command.command, state, at)


def test_ended_commands_go_once_the_cloud_knows_their_end(site: PlayedSite) -> None:
    site.clock.at = LONG_AGO
    site.write(lambda tx: ordered(tx, CommandState.SUCCEEDED, LONG_AGO))
    site.write(lambda tx: ordered(tx, CommandState.STARTED, LONG_AGO))
    site.clock.at = NOON
    site.write(lambda tx: ordered(tx, CommandState.FAILED, NOON - timedelta(days=80)))
    assert prune(site) == {}  # nothing was acknowledged
    head = outbox.heads(site.connection)[Stream.LEDGER]
    site.write(lambda tx: outbox.acknowledge(tx.connection, Stream.LEDGER, head.head, bytes.fromhex(head.hash)))
    assert prune(site) == {"command": 1}
    assert site.count("command") == 2


def test_frames_of_strangers_go_and_those_of_charge_points_stay(site: PlayedSite) -> None:
    for whose, at in ((CP1, LONG_AGO), ("NOBODY", LONG_AGO), ("NOBODY", NOON)):
        site.write(lambda tx, whose=whose, at=at: quarantine.insert(tx.connection, whose, b"[]", "odd", at))  # type: ignore[misc]
    assert prune(site) == {"quarantine": 1}
    assert site.count("quarantine") == 2


def test_what_a_kind_refused_goes_with_its_last_charge_point(site: PlayedSite) -> None:
    def know(tx: WriteTx, make: Make) -> None:
        configurations.count_refusal(tx.connection, make, "HeartbeatInterval", "60", "Rejected")
        configurations.record_measurands(tx.connection, make, "MeterValuesSampledData", "A,B", "A")

    boot = {"chargePointVendor": "VendorA", "chargePointModel": "M", "firmwareVersion": "1.0"}
    site.ask("BootNotification", boot)
    site.write(lambda tx: know(tx, MADE))
    site.write(lambda tx: know(tx, Make("VendorA", "M", "0.9")))
    assert prune(site) == {"configuration_refusal": 1, "measurand_list": 1}
    assert len(configurations.refusals(site.connection, MADE)) == 1


def test_a_charge_point_that_makes_up_keys_keeps_only_so_many(
    site: PlayedSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [Entry(f"Key{number}", "1", readonly=True) for number in range(outgrown.KEYS_PER_CHARGE_POINT + 5)]
    site.write(lambda tx: configurations.report(tx.connection, CP1, entries, NOON))
    assert prune(site) == {"reported_configuration": 5}


def test_ended_roll_outs_and_traces_and_odd_statuses_and_certificates_go(site: PlayedSite) -> None:
    def some(tx: WriteTx) -> None:
        firmware = firmwares.Firmware("f", "f.bin", "2", "", 0, iso(LONG_AGO))
        firmwares.insert(tx.connection, firmware)
        for name in ("ended", "running"):
            firmwares.begin(tx.connection, name, "f", [CP1], LONG_AGO)
        firmwares.end(tx.connection, "ended", "succeeded", None, LONG_AGO)
        for at in (iso(LONG_AGO), iso(NOON)):
            tx.connection.execute(
                "INSERT INTO transaction_change (transaction_id, changed_at, what, changed_by, before) "
                "VALUES (1, ?, 'closed', 'me', '{}')",
                (at,),
            )
            tx.connection.execute("INSERT INTO odd_status_change VALUES ('V', 'M', ?, 'A', 'B', 1, ?)", (at, at))
            tx.connection.execute(
                "INSERT INTO client_certificate (fingerprint, charge_point, serial_number, common_name, not_after,"
                " issued_at) VALUES (?1, ?2, '1', 'x', ?1, ?1)",
                (at, CP1),
            )

    site.write(some)
    expected = {"rollout": 1, "transaction_change": 1, "odd_status_change": 1, "client_certificate": 1}
    assert prune(site) == expected
    assert site.count("rollout_step") == 1
    assert prune(site) == {}


def test_a_connector_that_cannot_be_gets_no_row_and_an_answer(site: PlayedSite) -> None:
    assert site.status("Available", connectorId=1_000_000) == {}
    assert site.status("Available", connectorId=81) == {}
    assert site.count("connector") == 1
    assert site.reasons() == ["a connector above 1000 is none"]
