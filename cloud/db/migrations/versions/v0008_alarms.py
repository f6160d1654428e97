"""Alarms of the sites; why an id tag was refused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision: str | None = "0007"
branch_labels: str | None = None
depends_on: str | None = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the table and the column. What was told before lies among the raw events."""
    op.add_column("charging_transaction", sa.Column("id_tag_reason", sa.Text(), nullable=True))
    op.create_table(
        "alarm",
        sa.Column("site_id", sa.Text()),
        sa.Column("alarm", sa.Uuid()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("charge_point", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("raised_at", _INSTANT, nullable=True),
        sa.Column("cleared_at", _INSTANT, nullable=True),
        sa.Column("ordered_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("site_id", "alarm", name="pk_alarm"),
        sa.ForeignKeyConstraint(["site_id"], ["site.site_id"], name="fk_alarm_site_id"),
    )
    for columns in (
        ["ordered_at", "site_id", "alarm"],
        ["site_id", "ordered_at", "alarm"],
        ["site_id", "charge_point", "ordered_at"],
    ):
        op.create_index(f"ix_alarm_{'_'.join(columns)}", "alarm", columns)
