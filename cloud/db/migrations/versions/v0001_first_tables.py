"""The first tables."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make them, and give this database its identity."""
    _sites_and_access()
    _link()
    _charging()
    _commands()
    _identity()


def _sites_and_access() -> None:
    op.create_table(
        "instance",
        sa.Column("id", sa.BigInteger(), autoincrement=False),
        sa.Column("incarnation", sa.Uuid(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_instance"),
    )
    op.create_table(
        "api_key",
        sa.Column("key", sa.Text()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_api_key"),
        sa.UniqueConstraint("name", name="uq_api_key_name"),
    )
    op.create_table(
        "site",
        sa.Column("site_id", sa.Text()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("last_command_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", name="pk_site"),
    )
    op.create_table(
        "edge",
        sa.Column("site_id", sa.Text()),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.Uuid(), nullable=True),
        sa.Column("boot_id", sa.Text(), nullable=True),
        sa.Column("software_version", sa.Text(), nullable=True),
        sa.Column("greeted_at", _INSTANT, nullable=True),
        sa.Column("last_heard_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("site_id", name="pk_edge"),
        sa.ForeignKeyConstraint(["site_id"], ["site.site_id"], name="fk_edge_site_id"),
    )
    op.create_table(
        "edge_credential",
        sa.Column("site_id", sa.Text()),
        sa.Column("credential", sa.Text()),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("site_id", "credential", name="pk_edge_credential"),
        sa.UniqueConstraint("credential", name="uq_edge_credential_credential"),
        sa.ForeignKeyConstraint(["site_id"], ["edge.site_id"], name="fk_edge_credential_site_id"),
    )
    op.create_table(
        "edge_epoch",
        sa.Column("site_id", sa.Text()),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False),
        sa.Column("store_id", sa.Uuid(), nullable=False),
        sa.Column("granted_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("site_id", "epoch", name="pk_edge_epoch"),
        sa.ForeignKeyConstraint(["site_id"], ["edge.site_id"], name="fk_edge_epoch_site_id"),
    )


def _link() -> None:
    op.create_table(
        "stream_cursor",
        sa.Column("site_id", sa.Text()),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False),
        sa.Column("stream", sa.Text()),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("moved_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("site_id", "epoch", "stream", name="pk_stream_cursor"),
        sa.ForeignKeyConstraint(["site_id"], ["edge.site_id"], name="fk_stream_cursor_site_id"),
    )
    op.create_table(
        "ledger_event",
        sa.Column("site_id", sa.Text()),
        sa.Column("event", sa.Uuid()),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("occurred_at", _INSTANT, nullable=False),
        sa.Column("received_at", _INSTANT, nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "event", name="pk_ledger_event"),
    )
    op.create_table(
        "raw_event",
        sa.Column("site_id", sa.Text()),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False),
        sa.Column("stream", sa.Text()),
        sa.Column("seq", sa.BigInteger(), autoincrement=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("received_at", _INSTANT, nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "epoch", "stream", "seq", name="pk_raw_event"),
    )
    op.create_table(
        "dead_letter",
        sa.Column("site_id", sa.Text()),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False),
        sa.Column("stream", sa.Text()),
        sa.Column("seq", sa.BigInteger(), autoincrement=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("received_at", _INSTANT, nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "epoch", "stream", "seq", name="pk_dead_letter"),
    )
    op.create_table(
        "skipped_range",
        sa.Column("site_id", sa.Text()),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False),
        sa.Column("stream", sa.Text()),
        sa.Column("first", sa.BigInteger(), autoincrement=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("received_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("site_id", "epoch", "stream", "first", name="pk_skipped_range"),
    )


def _charging() -> None:
    op.create_table(
        "charge_point",
        sa.Column("site_id", sa.Text()),
        sa.Column("charge_point", sa.Text()),
        sa.Column("connected", sa.Boolean(), nullable=False),
        sa.Column("registration_status", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("serial_number", sa.Text(), nullable=True),
        sa.Column("firmware_version", sa.Text(), nullable=True),
        sa.Column("last_seen_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("site_id", "charge_point", name="pk_charge_point"),
        sa.ForeignKeyConstraint(["site_id"], ["site.site_id"], name="fk_charge_point_site_id"),
    )
    op.create_table(
        "connector",
        sa.Column("site_id", sa.Text()),
        sa.Column("charge_point", sa.Text()),
        sa.Column("connector_id", sa.BigInteger(), autoincrement=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=False),
        sa.Column("info", sa.Text(), nullable=True),
        sa.Column("status_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("site_id", "charge_point", "connector_id", name="pk_connector"),
        sa.ForeignKeyConstraint(
            ["site_id", "charge_point"],
            ["charge_point.site_id", "charge_point.charge_point"],
            name="fk_connector_site_id_charge_point",
        ),
    )
    op.create_table(
        "charging_transaction",
        sa.Column("site_id", sa.Text()),
        sa.Column("transaction", sa.Uuid()),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.Column("charge_point", sa.Text(), nullable=False),
        sa.Column("connector_id", sa.BigInteger(), nullable=True),
        sa.Column("id_tag", sa.Text(), nullable=True),
        sa.Column("id_tag_status", sa.Text(), nullable=True),
        sa.Column("parent_id_tag", sa.Text(), nullable=True),
        sa.Column("reservation_id", sa.BigInteger(), nullable=True),
        sa.Column("started_at", _INSTANT, nullable=True),
        sa.Column("stopped_at", _INSTANT, nullable=True),
        sa.Column("ordered_at", _INSTANT, nullable=False),
        sa.Column("meter_start_wh", sa.BigInteger(), nullable=True),
        sa.Column("meter_stop_wh", sa.BigInteger(), nullable=True),
        sa.Column("energy_wh", sa.BigInteger(), nullable=True),
        sa.Column("stop_id_tag", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.Column("start_flags", sa.JSON(), nullable=False),
        sa.Column("stop_flags", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "transaction", name="pk_charging_transaction"),
        sa.ForeignKeyConstraint(["site_id"], ["site.site_id"], name="fk_charging_transaction_site_id"),
    )
    op.create_index("ix_charging_transaction_id_tag_ordered_at", "charging_transaction", ["id_tag", "ordered_at"])
    op.create_index(
        "ix_charging_transaction_ordered_at_site_id_transaction",
        "charging_transaction",
        ["ordered_at", "site_id", "transaction"],
    )
    op.create_index(
        "ix_charging_transaction_site_id_charge_point_ordered_at",
        "charging_transaction",
        ["site_id", "charge_point", "ordered_at"],
    )
    op.create_index(
        "ix_charging_transaction_site_id_ordered_at_transaction",
        "charging_transaction",
        ["site_id", "ordered_at", "transaction"],
    )
    op.create_index("ix_charging_transaction_transaction", "charging_transaction", ["transaction"])
    op.create_table(
        "meter_value",
        sa.Column("site_id", sa.Text()),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False),
        sa.Column("charge_point", sa.Text(), nullable=False),
        sa.Column("connector_id", sa.BigInteger(), nullable=False),
        sa.Column("transaction", sa.Uuid(), nullable=True),
        sa.Column("sampled_at", _INSTANT, nullable=False),
        sa.Column("samples", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "epoch", "seq", "position", name="pk_meter_value"),
    )
    op.create_index("ix_meter_value_sampled_at", "meter_value", ["sampled_at"])
    op.create_index(
        "ix_meter_value_site_id_charge_point_sampled_at", "meter_value", ["site_id", "charge_point", "sampled_at"]
    )
    op.create_index("ix_meter_value_transaction_sampled_at", "meter_value", ["transaction", "sampled_at"])


def _commands() -> None:
    op.create_table(
        "command",
        sa.Column("site_id", sa.Text()),
        sa.Column("command", sa.Uuid()),
        sa.Column("charge_point", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("deadline", _INSTANT, nullable=False),
        sa.Column("moves", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("guessed", sa.Boolean(), nullable=False),
        sa.Column("handed_out_at", _INSTANT, nullable=True),
        sa.Column("cancel_requested_at", _INSTANT, nullable=True),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.Column("error", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("site_id", "command", name="pk_command"),
        sa.ForeignKeyConstraint(["site_id"], ["site.site_id"], name="fk_command_site_id"),
    )
    op.create_index("ix_command_command", "command", ["command"])
    op.create_index("ix_command_created_at_command", "command", ["created_at", "command"])
    op.create_index("ix_command_state_deadline", "command", ["state", "deadline"])
    op.create_table(
        "command_item",
        sa.Column("site_id", sa.Text()),
        sa.Column("number", sa.BigInteger(), autoincrement=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("command", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "number", name="pk_command_item"),
        sa.ForeignKeyConstraint(
            ["site_id", "command"], ["command.site_id", "command.command"], name="fk_command_item_site_id_command"
        ),
    )
    op.create_table(
        "command_transition",
        sa.Column("site_id", sa.Text()),
        sa.Column("command", sa.Uuid()),
        sa.Column("transition", sa.Uuid()),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("received_at", _INSTANT, nullable=False),
        sa.Column("told_by", sa.Text(), nullable=False),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "command", "transition", name="pk_command_transition"),
        sa.ForeignKeyConstraint(
            ["site_id", "command"], ["command.site_id", "command.command"], name="fk_command_transition_site_id_command"
        ),
    )


def _identity() -> None:
    instance = sa.table(
        "instance", sa.column("id"), sa.column("incarnation", sa.Uuid()), sa.column("created_at", _INSTANT)
    )
    created_at = datetime.now(UTC)
    if op.get_bind().dialect.name == "sqlite":
        created_at = created_at.replace(tzinfo=None)
    op.bulk_insert(instance, [{"id": 1, "incarnation": uuid.uuid4(), "created_at": created_at}])
