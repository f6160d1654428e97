"""The schema, step by step. A step that was released is never edited; release N runs on the schema of N + 1."""

from __future__ import annotations

import sqlite3
import uuid
from pathlib import Path

from sqlite_utils import Database, Migrations

from contract.batch import GENESIS
from contract.streams import Stream
from edge.errors import SchemaTooNewError, StoreError
from edge.store.database import connect

_migrations = Migrations("gardu-edge")


@_migrations()
def m0001_site(db: Database) -> None:
    """Who this edge is, the charge points and the id tags."""
    _run(
        db,
        """
        CREATE TABLE identity (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            store_id TEXT NOT NULL,
            epoch INTEGER NOT NULL,
            incarnation TEXT,
            last_command_number INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE TABLE charge_point (
            charge_point TEXT PRIMARY KEY,
            registration_status TEXT NOT NULL,
            vendor TEXT, model TEXT, serial_number TEXT, firmware_version TEXT,
            boot_payload TEXT, booted_at TEXT, last_seen_at TEXT,
            created_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE charge_point_key (
            charge_point TEXT NOT NULL REFERENCES charge_point ON DELETE CASCADE,
            salt BLOB NOT NULL,
            hash BLOB NOT NULL,
            PRIMARY KEY (charge_point, hash)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE connector (
            charge_point TEXT NOT NULL REFERENCES charge_point ON DELETE CASCADE,
            connector_id INTEGER NOT NULL,
            status TEXT NOT NULL, error_code TEXT NOT NULL,
            info TEXT, vendor_error_code TEXT,
            status_at TEXT NOT NULL, received_at TEXT NOT NULL,
            PRIMARY KEY (charge_point, connector_id)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE id_tag (
            id_tag TEXT PRIMARY KEY COLLATE NOCASE,
            status TEXT NOT NULL, expires_at TEXT, parent_id_tag TEXT COLLATE NOCASE, note TEXT,
            updated_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
    """,
    )
    db.conn.execute("INSERT INTO identity (one, store_id, epoch) VALUES (1, ?, 1)", (str(uuid.uuid4()),))


@_migrations()
def m0002_transactions(db: Database) -> None:
    """Transactions, meter values, and what could not be understood."""
    _run(
        db,
        """
        CREATE TABLE charging_transaction (
            transaction_id INTEGER PRIMARY KEY AUTOINCREMENT,
            uuid TEXT NOT NULL UNIQUE,
            charge_point TEXT NOT NULL,
            connector_id INTEGER,
            start_key TEXT UNIQUE,
            station_transaction_id INTEGER,
            id_tag TEXT COLLATE NOCASE, id_tag_status TEXT, parent_id_tag TEXT COLLATE NOCASE,
            meter_start_wh INTEGER, started_at TEXT, start_received_at TEXT, reservation_id INTEGER,
            meter_stop_wh INTEGER, stopped_at TEXT, stop_received_at TEXT, stop_id_tag TEXT COLLATE NOCASE,
            reason TEXT, energy_wh INTEGER, estimated INTEGER NOT NULL DEFAULT 0,
            flags TEXT NOT NULL DEFAULT '[]'
        ) STRICT;
        CREATE INDEX open_transaction ON charging_transaction (charge_point, connector_id) WHERE stopped_at IS NULL;
        CREATE INDEX open_transaction_of_id_tag ON charging_transaction (id_tag) WHERE stopped_at IS NULL;
        CREATE INDEX transaction_of_charge_point ON charging_transaction (charge_point, transaction_id);
        CREATE TABLE meter_value (
            sampled_at TEXT NOT NULL, charge_point TEXT NOT NULL, connector_id INTEGER NOT NULL, digest BLOB NOT NULL,
            transaction_id INTEGER, samples TEXT NOT NULL,
            PRIMARY KEY (sampled_at, charge_point, connector_id, digest)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE quarantine (
            id INTEGER PRIMARY KEY,
            charge_point TEXT NOT NULL, received_at TEXT NOT NULL, reason TEXT NOT NULL, raw TEXT NOT NULL
        ) STRICT;
    """,
    )


@_migrations()
def m0003_link(db: Database) -> None:
    """The outbox with its three streams, and the inbox of commands."""
    _run(
        db,
        """
        CREATE TABLE stream (
            stream TEXT PRIMARY KEY,
            head INTEGER NOT NULL DEFAULT 0, head_hash BLOB NOT NULL,
            acknowledged INTEGER NOT NULL DEFAULT 0, acknowledged_hash BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE outbox (
            stream TEXT NOT NULL, seq INTEGER NOT NULL,
            recorded_at TEXT NOT NULL, event BLOB NOT NULL, hash BLOB NOT NULL,
            PRIMARY KEY (stream, seq)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE command (
            command TEXT PRIMARY KEY,
            number INTEGER NOT NULL,
            action TEXT NOT NULL, charge_point TEXT NOT NULL, payload TEXT NOT NULL,
            requested_by TEXT NOT NULL,
            state TEXT NOT NULL,
            boot_id TEXT NOT NULL, deadline_boottime REAL NOT NULL,
            answer TEXT, error TEXT,
            received_at TEXT NOT NULL, changed_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX command_by_state ON command (state);
    """,
    )
    db.conn.executemany(
        "INSERT INTO stream (stream, head_hash, acknowledged_hash) VALUES (?, ?, ?)",
        [(stream.value, GENESIS, GENESIS) for stream in Stream],
    )


@_migrations()
def m0004_operations(db: Database) -> None:
    """Remote starts, and what came of them."""
    _run(
        db,
        """
        CREATE TABLE remote_start (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            charge_point TEXT NOT NULL, connector_id INTEGER NOT NULL, id_tag TEXT NOT NULL COLLATE NOCASE,
            command TEXT,
            outcome TEXT NOT NULL,
            asked_at TEXT NOT NULL, due_at TEXT NOT NULL,
            boot_id TEXT NOT NULL, due_boottime REAL NOT NULL,
            transaction_id INTEGER
        ) STRICT;
        CREATE INDEX remote_start_of_charge_point ON remote_start (charge_point, number);
        CREATE INDEX remote_start_without_transaction ON remote_start (charge_point, connector_id, id_tag, number)
            WHERE transaction_id IS NULL;
        CREATE INDEX remote_start_expected ON remote_start (outcome) WHERE outcome IN ('Asked', 'Expected');
    """,
    )


@_migrations()
def m0005_security(db: Database) -> None:
    """Security profiles, keys that follow one another, certificates, and what charge points report about security."""
    _run(
        db,
        """
        ALTER TABLE charge_point ADD COLUMN security_profile INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE charge_point ADD COLUMN certificate_name TEXT;
        CREATE UNIQUE INDEX charge_point_of_certificate_name ON charge_point (certificate_name);
        ALTER TABLE charge_point_key ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE charge_point_key ADD COLUMN typed INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE root_certificate (
            number INTEGER PRIMARY KEY,
            pem TEXT NOT NULL, hash_data TEXT NOT NULL, in_use INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL
        ) STRICT;
        CREATE TABLE installed_root (
            charge_point TEXT NOT NULL REFERENCES charge_point ON DELETE CASCADE,
            number INTEGER NOT NULL REFERENCES root_certificate,
            proven_at TEXT NOT NULL,
            PRIMARY KEY (charge_point, number)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE client_certificate (
            fingerprint TEXT PRIMARY KEY,
            charge_point TEXT NOT NULL REFERENCES charge_point ON DELETE CASCADE,
            serial_number TEXT NOT NULL, common_name TEXT NOT NULL, not_after TEXT NOT NULL,
            issued_at TEXT NOT NULL, revoked_at TEXT
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX client_certificate_of_charge_point ON client_certificate (charge_point);
        CREATE TABLE signing_request (
            charge_point TEXT PRIMARY KEY REFERENCES charge_point ON DELETE CASCADE,
            requested_at TEXT NOT NULL, csr TEXT NOT NULL, chain TEXT, state TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE security_tally (
            charge_point TEXT NOT NULL, kind TEXT NOT NULL,
            since TEXT NOT NULL, waiting INTEGER NOT NULL, detail TEXT NOT NULL, last_at TEXT NOT NULL,
            PRIMARY KEY (charge_point, kind)
        ) STRICT, WITHOUT ROWID;
    """,
    )


@_migrations()
def m0007_transactions(db: Database) -> None:
    """What tells transactions apart, what doubts them, who ended them; decisions on id tags; clocks."""
    _run(
        db,
        """
        ALTER TABLE charge_point ADD COLUMN boots INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE id_tag ADD COLUMN status_since TEXT;
        UPDATE id_tag SET status_since = updated_at;
        ALTER TABLE charging_transaction ADD COLUMN start_said TEXT;
        ALTER TABLE charging_transaction ADD COLUMN id_tag_reason TEXT;
        ALTER TABLE charging_transaction ADD COLUMN started_at_raw TEXT;
        ALTER TABLE charging_transaction ADD COLUMN stopped_at_raw TEXT;
        ALTER TABLE charging_transaction ADD COLUMN baseline_wh INTEGER;
        ALTER TABLE charging_transaction ADD COLUMN suspect_since TEXT;
        ALTER TABLE charging_transaction ADD COLUMN suspect_why TEXT;
        ALTER TABLE charging_transaction ADD COLUMN alive_at TEXT;
        ALTER TABLE charging_transaction ADD COLUMN closed_by TEXT;
        UPDATE charging_transaction SET start_said = start_key;
        CREATE INDEX transaction_by_start ON charging_transaction (start_said);
        CREATE INDEX transaction_by_station_number ON charging_transaction (charge_point, station_transaction_id)
            WHERE station_transaction_id IS NOT NULL;
        CREATE TABLE transaction_change (
            id INTEGER PRIMARY KEY,
            transaction_id INTEGER NOT NULL,
            changed_at TEXT NOT NULL, what TEXT NOT NULL, changed_by TEXT NOT NULL, before TEXT NOT NULL
        ) STRICT;
        CREATE INDEX change_of_transaction ON transaction_change (transaction_id, id);
        CREATE TABLE authorization_decision (
            id INTEGER PRIMARY KEY,
            decided_at TEXT NOT NULL, charge_point TEXT NOT NULL, action TEXT NOT NULL,
            id_tag TEXT NOT NULL COLLATE NOCASE, status TEXT NOT NULL, reason TEXT NOT NULL, transaction_id INTEGER
        ) STRICT;
        CREATE TABLE charge_point_clock (
            charge_point TEXT PRIMARY KEY, offsets_s TEXT NOT NULL, skew_s REAL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE edge_clock (
            one INTEGER PRIMARY KEY CHECK (one = 1), seen_at TEXT NOT NULL, suspect_since TEXT
        ) STRICT
    """,
    )


@_migrations()
def m0009_liveness(db: Database) -> None:
    """Alarms."""
    _run(
        db,
        """
        CREATE TABLE alarm (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            alarm TEXT NOT NULL UNIQUE,
            kind TEXT NOT NULL,
            charge_point TEXT NOT NULL,
            detail TEXT NOT NULL,
            raised_at TEXT NOT NULL, cleared_at TEXT
        ) STRICT;
        CREATE UNIQUE INDEX standing_alarm ON alarm (kind, charge_point) WHERE cleared_at IS NULL;
    """,
    )


@_migrations()
def m0011_retention(db: Database) -> None:
    """How far the outbox has been emptied again: acknowledged events, thinned and dropped meter values."""
    _run(
        db,
        """
        ALTER TABLE stream ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE stream ADD COLUMN pruned_hash BLOB;
        ALTER TABLE stream ADD COLUMN pruned_at TEXT;
        ALTER TABLE stream ADD COLUMN thinned INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE stream ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;
    """,
    )


STEPS = (
    "m0001_site",
    "m0002_transactions",
    "m0003_link",
    "m0004_operations",
    "m0005_security",
    "m0007_transactions",
    "m0009_liveness",
    "m0011_retention",
)
"""In their order."""


def migrate(path: Path) -> list[str]:
    """Bring the database to this release's schema; creates it when missing.

    Returns:
        The names of the steps that were applied now.

    Raises:
        SchemaTooNewError: the file knows steps that this release does not.
        StoreError: the file cannot be opened or written.
    """
    connection = connect(path)
    try:
        db = Database(connection)
        _refuse_newer(db)
        steps = [step.name for step in _migrations.pending(db)]
        _migrations.apply(db)
    except sqlite3.Error as error:
        raise StoreError(f"The database {path} cannot be migrated: {error}", hint="Nothing was changed.") from error
    finally:
        connection.close()
    return steps


def pending(path: Path) -> list[str]:
    """Name the steps that `migrate` would apply."""
    connection = connect(path)
    try:
        return [step.name for step in _migrations.pending(Database(connection))]
    finally:
        connection.close()


def _refuse_newer(db: Database) -> None:
    known = set(STEPS)
    if newer := sorted(step.name for step in _migrations.applied(db) if step.name not in known):
        raise SchemaTooNewError(
            f"The database was written by a newer release of Gardu (it has the steps {', '.join(newer)}).",
            hint="Install that release again, or a newer one. The database was left untouched.",
        )


def _run(db: Database, script: str) -> None:
    """Execute statement by statement: `executescript` would commit the migration's transaction half-way."""
    for statement in script.split(";"):
        if statement.strip():
            db.conn.execute(statement)
