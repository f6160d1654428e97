"""Configurations: what charge points reported, what they should have, and what their kind has refused or accepted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import orjson

from edge.domain.configuration import REFUSALS_BEFORE_GIVING_UP, Entry, Layer, effective
from edge.domain.timestamps import iso
from edge.ocpp16.quirks import quirks_of
from edge.store.charge_points import ChargePoint


class Scope(StrEnum):
    """Whom a desired configuration is for."""

    SITE = "site"
    MODEL = "model"
    CHARGE_POINT = "charge_point"


@dataclass(frozen=True, slots=True)
class Make:
    """The kind of a charge point: what one of them refuses, the others refuse too."""

    vendor: str
    model: str
    firmware: str

    @classmethod
    def of(cls, charge_point: ChargePoint) -> Make:
        """Tell the kind; what it did not say is empty."""
        return cls(charge_point.vendor or "", charge_point.model or "", charge_point.firmware_version or "")

    @property
    def name(self) -> str:
        """The name of its model as a scope."""
        return model_name(self.vendor, self.model)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A value that a kind of charge point refused."""

    key: str
    value: str
    answer: str
    count: int

    @property
    def given_up(self) -> bool:
        """Whether it is no longer tried."""
        return self.count >= REFUSALS_BEFORE_GIVING_UP


def model_name(vendor: str, model: str) -> str:
    """Name a vendor's model as a scope."""
    return orjson.dumps([vendor, model]).decode()


# What charge points reported.


def reported(connection: sqlite3.Connection, charge_point: str) -> list[Entry]:
    """List what a charge point reported last; empty: nothing yet."""
    rows = connection.execute(
        "SELECT key, value, readonly FROM reported_configuration WHERE charge_point = ? ORDER BY key", (charge_point,)
    )
    return [Entry(row["key"], row["value"], bool(row["readonly"])) for row in rows]


def value_of(connection: sqlite3.Connection, charge_point: str, key: str) -> str | None:
    """Give one reported value; `None`: it is not known."""
    row = connection.execute(
        "SELECT value FROM reported_configuration WHERE charge_point = ? AND key = ?", (charge_point, key)
    ).fetchone()
    return None if row is None else row["value"]


def report(connection: sqlite3.Connection, charge_point: str, entries: Iterable[Entry], now: datetime) -> None:
    """Keep what a charge point reported of some keys."""
    connection.executemany(
        """INSERT INTO reported_configuration (charge_point, key, value, readonly, reported_at) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (charge_point, key) DO UPDATE SET key = excluded.key, value = excluded.value,
               readonly = excluded.readonly, reported_at = excluded.reported_at""",
        [(charge_point, entry.key, entry.value, entry.readonly, iso(now)) for entry in entries],
    )


def report_whole(connection: sqlite3.Connection, charge_point: str, entries: list[Entry], now: datetime) -> None:
    """Keep what a charge point reported of all its keys; others are gone."""
    report(connection, charge_point, entries, now)
    keys = orjson.dumps([entry.key.lower() for entry in entries]).decode()
    connection.execute(
        """DELETE FROM reported_configuration
           WHERE charge_point = ? AND lower(key) NOT IN (SELECT value FROM json_each(?))""",
        (charge_point, keys),
    )


def forget_reported(connection: sqlite3.Connection, charge_point: str) -> None:
    """Drop what is known of a charge point: it is another device now, or has other firmware."""
    connection.execute("DELETE FROM reported_configuration WHERE charge_point = ?", (charge_point,))
    connection.execute("DELETE FROM provisioning WHERE charge_point = ?", (charge_point,))


def await_reboot(connection: sqlite3.Connection, charge_point: str, key: str, *, awaits: bool) -> None:
    """Remember that a key takes effect with the next start, or that this start has been."""
    connection.execute(
        "UPDATE reported_configuration SET awaits_reboot = ? WHERE charge_point = ? AND key = ?",
        (awaits, charge_point, key),
    )


def awaiting_reboot(connection: sqlite3.Connection, charge_point: str) -> list[str]:
    """List the keys that wait for a start."""
    rows = connection.execute(
        "SELECT key FROM reported_configuration WHERE charge_point = ? AND awaits_reboot = 1", (charge_point,)
    )
    return [row["key"] for row in rows]


def record_provisioned(connection: sqlite3.Connection, charge_point: str, now: datetime) -> None:
    """Remember that a provisioning came to its end."""
    connection.execute(
        "INSERT OR REPLACE INTO provisioning (charge_point, provisioned_at) VALUES (?, ?)", (charge_point, iso(now))
    )


def provisioned_at(connection: sqlite3.Connection, charge_point: str) -> str | None:
    """Tell when a provisioning last came to its end; `None`: never, with this device and firmware."""
    row = connection.execute(
        "SELECT provisioned_at FROM provisioning WHERE charge_point = ?", (charge_point,)
    ).fetchone()
    return None if row is None else row["provisioned_at"]


# What they should have.


def desired(connection: sqlite3.Connection, scope: Scope, name: str = "") -> dict[str, str | None]:
    """Read one layer of what is desired."""
    rows = connection.execute(
        "SELECT key, value FROM desired_configuration WHERE scope = ? AND name = ? ORDER BY key",
        (scope, name),
    )
    return {row["key"]: row["value"] for row in rows}


def models(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """List the vendors and models that have a layer of their own."""
    rows = connection.execute(
        "SELECT DISTINCT name FROM desired_configuration WHERE scope = ? ORDER BY name", (Scope.MODEL,)
    )
    return [(vendor, model) for vendor, model in (orjson.loads(row["name"]) for row in rows)]


def desire(connection: sqlite3.Connection, scope: Scope, name: str, layer: Layer) -> None:
    """Replace one layer of what is desired."""
    connection.execute("DELETE FROM desired_configuration WHERE scope = ? AND name = ?", (scope, name))
    connection.executemany(
        "INSERT INTO desired_configuration (scope, name, key, value) VALUES (?, ?, ?, ?)",
        [(scope, name, key, value) for key, value in layer.items()],
    )


def wanted(connection: sqlite3.Connection, site: Layer, charge_point: ChargePoint) -> dict[str, str]:
    """Say which configuration a charge point should have.

    Args:
        connection: to read through.
        site: what the settings want for every charge point.
        charge_point: which one.
    """
    quirks = quirks_of(charge_point.vendor, charge_point.model, charge_point.firmware_version)
    whole_site = {**site, **desired(connection, Scope.SITE)}
    of_model = desired(connection, Scope.MODEL, Make.of(charge_point).name)
    return effective(quirks, whole_site, of_model, desired(connection, Scope.CHARGE_POINT, charge_point.charge_point))


def affordable(connection: sqlite3.Connection, make: Make, wanted_values: Mapping[str, str]) -> dict[str, str]:
    """Put what a negotiation of measurands came to in the place of the lists that were wanted."""
    taken = measurand_lists(connection, make)
    return {key: taken.get((key.lower(), value), value) for key, value in wanted_values.items()}


# What their kind has refused or accepted.


def refusals(connection: sqlite3.Connection, make: Make) -> list[Refusal]:
    """List what this kind of charge point has refused."""
    rows = connection.execute(
        """SELECT key, value, answer, count FROM configuration_refusal
           WHERE vendor = ? AND model = ? AND firmware = ? ORDER BY key, value""",
        (make.vendor, make.model, make.firmware),
    )
    return [Refusal(row["key"], row["value"], row["answer"], row["count"]) for row in rows]


def count_refusal(connection: sqlite3.Connection, make: Make, key: str, value: str, answer: str) -> int:
    """Count a refusal, and give how many there are now."""
    row = connection.execute(
        """INSERT INTO configuration_refusal (vendor, model, firmware, key, value, answer, count)
           VALUES (?, ?, ?, ?, ?, ?, 1)
           ON CONFLICT (vendor, model, firmware, key, value) DO UPDATE SET answer = excluded.answer, count = count + 1
           RETURNING count""",
        (make.vendor, make.model, make.firmware, key.lower(), value, answer),
    ).fetchone()
    return int(row["count"])


def measurand_lists(connection: sqlite3.Connection, make: Make) -> Mapping[tuple[str, str], str]:
    """Give what the negotiation of measurands came to: lower-case key and wanted list → the list that is taken."""
    rows = connection.execute(
        "SELECT key, wanted, accepted FROM measurand_list WHERE vendor = ? AND model = ? AND firmware = ?",
        (make.vendor, make.model, make.firmware),
    )
    return {(row["key"].lower(), row["wanted"]): row["accepted"] for row in rows}


def record_measurands(
    connection: sqlite3.Connection,
    make: Make,
    key: str,
    wanted: str,
    accepted: str,
    retry_at: datetime | None = None,
) -> None:
    """Remember what a negotiation came to.

    Args:
        connection: the writer's.
        make: for which kind of charge point.
        key: the configuration key.
        wanted: the list that was wanted.
        accepted: the list that was taken.
        retry_at: from when on it is negotiated anew, for an error cut it short; `None`: it holds.
    """
    connection.execute(
        """INSERT OR REPLACE INTO measurand_list (vendor, model, firmware, key, wanted, accepted, retry_at)
           VALUES (?, ?, ?, ?, ?, ?, ?)""",
        (
            make.vendor,
            make.model,
            make.firmware,
            key.lower(),
            wanted,
            accepted,
            None if retry_at is None else iso(retry_at),
        ),
    )


def forget_cut_short(connection: sqlite3.Connection, make: Make, now: datetime) -> None:
    """Forget what negotiations came to that an error cut short some time ago: the next charge point tries anew."""
    connection.execute(
        "DELETE FROM measurand_list WHERE vendor = ? AND model = ? AND firmware = ? AND retry_at < ?",
        (make.vendor, make.model, make.firmware, iso(now)),
    )
