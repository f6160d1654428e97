"""When a meter value was received; on PostgreSQL a partition of meter values and of raw events for each month of it."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None

_KEYS = {
    "meter_value": ("site_id", "epoch", "seq", "position", "received_at"),
    "raw_event": ("site_id", "epoch", "stream", "seq", "received_at"),
}
_INDEXES = {
    "meter_value": {
        "ix_meter_value_sampled_at": ("sampled_at",),
        "ix_meter_value_site_id_charge_point_sampled_at": ("site_id", "charge_point", "sampled_at"),
        "ix_meter_value_transaction_sampled_at": ("transaction", "sampled_at"),
    },
    "raw_event": {},
}


def upgrade() -> None:
    """Rows from before count as received now: nothing knows it better, and it keeps them longest."""
    present = op.get_bind().dialect.name
    if present == "sqlite":
        op.add_column("meter_value", _received_at(datetime.now(UTC).strftime("'%Y-%m-%d %H:%M:%S.%f'")))
        return
    op.add_column("meter_value", _received_at("now()"))
    op.alter_column("meter_value", "received_at", server_default=None)
    for table in _KEYS:
        _partition(table)


def _received_at(default: str) -> sa.Column[datetime]:
    return sa.Column("received_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text(default))


def _partition(table: str) -> None:
    """Make the table the first partition of a new one. Rows are not copied; the longer primary key is built anew."""
    first = f"{table}_first"
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT pk_{table}")
    op.execute(f"ALTER TABLE {table} RENAME TO {first}")
    for index in _INDEXES[table]:
        op.execute(f"ALTER INDEX {index} RENAME TO {index}_first")
    op.execute(f"CREATE TABLE {table} (LIKE {first}) PARTITION BY RANGE (received_at)")
    op.create_primary_key(f"pk_{table}", table, list(_KEYS[table]))
    for index, columns in _INDEXES[table].items():
        op.create_index(index, table, list(columns))
    end = op.get_bind().execute(
        sa.text(
            "SELECT date_trunc('month', greatest(now(), max(received_at)) AT TIME ZONE 'UTC')"  # noqa: S608 - our name
            f" + interval '1 month' FROM {first}"
        )
    )
    op.execute(f"ALTER TABLE {table} ATTACH PARTITION {first} FOR VALUES FROM (MINVALUE) TO ('{end.scalar_one()}+00')")
    op.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")
