"""Events of types that this release does not know, apart from those that are kept raw on purpose."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision: str | None = "0009"
branch_labels: str | None = None
depends_on: str | None = None

_KEPT_ON_PURPOSE = (
    "AlarmRaised.v1",
    "AlarmCleared.v1",
    "FirmwareStatusChanged.v1",
    "DiagnosticsStatusChanged.v1",
    "DataTransferReceived.v1",
    "DirectoryApplied.v1",
    "DayDigested.v1",
    "EdgeStarted.v1",
    "ChargePointConnected.v1",
    "ChargePointDisconnected.v1",
    "ConnectorStatusChanged.v1",
)


def upgrade() -> None:
    """Make the table, and move there what earlier releases did not know."""
    unknown = op.create_table(
        "unknown_event",
        sa.Column("site_id", sa.Text()),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False),
        sa.Column("stream", sa.Text()),
        sa.Column("seq", sa.BigInteger(), autoincrement=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "epoch", "stream", "seq", name="pk_unknown_event"),
    )
    columns = [column.name for column in unknown.columns]
    raw = sa.table("raw_event", *(sa.column(name) for name in columns))
    earlier = raw.c.type.not_in(_KEPT_ON_PURPOSE)
    op.execute(unknown.insert().from_select(columns, sa.select(raw).where(earlier)))
    op.execute(raw.delete().where(earlier))
