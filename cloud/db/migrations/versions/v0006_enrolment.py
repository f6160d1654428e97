"""Keys of edges, the tokens with which they enrol, their passwords at the broker, and who was let in when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables. Edges from before go on with their secrets."""
    op.add_column("edge", sa.Column("revoked_at", _INSTANT, nullable=True))
    op.add_column("edge", sa.Column("revoked_why", sa.Text(), nullable=True))
    op.create_table(
        "edge_key",
        sa.Column("site_id", sa.Text(), sa.ForeignKey("edge.site_id", name="fk_edge_key_site_id")),
        sa.Column("key_id", sa.Text()),
        sa.Column("public_key", sa.JSON(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("last_used_at", _INSTANT, nullable=True),
        sa.Column("revoked_at", _INSTANT, nullable=True),
        sa.Column("revoked_why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("site_id", "key_id", name="pk_edge_key"),
    )
    op.create_table(
        "enrolment_token",
        sa.Column("site_id", sa.Text(), sa.ForeignKey("edge.site_id", name="fk_enrolment_token_site_id")),
        sa.Column("token", sa.Text()),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("used_at", _INSTANT, nullable=True),
        sa.Column("used_key", sa.Text(), nullable=True),
        sa.Column("revoked_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("site_id", "token", name="pk_enrolment_token"),
        sa.UniqueConstraint("token", name="uq_enrolment_token_token"),
    )
    op.create_table(
        "broker_login",
        sa.Column("site_id", sa.Text(), sa.ForeignKey("edge.site_id", name="fk_broker_login_site_id")),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("site_id", name="pk_broker_login"),
    )
    op.create_table(
        "access_event",
        sa.Column("site_id", sa.Text()),
        sa.Column("event", sa.Uuid()),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "event", name="pk_access_event"),
    )
