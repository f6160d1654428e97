"""The campus's directory, and what of it each site is given."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None

_INSTANT = sa.DateTime(timezone=True)
_SITE = {"site_id": "site.site_id"}


def upgrade() -> None:
    """Make the tables; a site without rows in them has an empty directory."""
    _campus()
    _id_tags()
    _sites()


def _campus() -> None:
    _table(
        "tariff",
        ["tariff"],
        ["name", "currency", "price_per_kwh", "price_per_session", "price_per_idle_minute"],
        valid_from=_INSTANT,
        valid_until=_INSTANT,
        changed_at_=_INSTANT,
    )
    _table(
        "directory_group",
        ["group_id"],
        ["name"],
        references={"tariff": "tariff.tariff"},
        tariff=sa.Text(),
        changed_at_=_INSTANT,
    )
    op.create_index("ix_directory_group_tariff", "directory_group", ["tariff"])
    _table("person", ["person"], [], display_name=sa.Text(), changed_at_=_INSTANT)
    _pairs("group_site", _SITE)
    _pairs("person_group", {"person": "person.person"})


def _pairs(name: str, left: dict[str, str]) -> None:
    references = {**left, "group_id": "directory_group.group_id"}
    _table(name, list(references), [], references=references)
    op.create_index(f"ix_{name}_group_id", name, ["group_id"])


def _id_tags() -> None:
    _table(
        "id_tag",
        ["key"],
        ["id_tag", "changed_by"],
        references={"person": "person.person"},
        status=sa.Text(),
        status_since_=_INSTANT,
        expires_at=_INSTANT,
        parent_id_tag=sa.Text(),
        person=sa.Text(),
        note=sa.Text(),
        version_=sa.BigInteger(),
        changed_at_=_INSTANT,
    )
    op.create_index("ix_id_tag_person", "id_tag", ["person"])
    op.create_index("ix_id_tag_status", "id_tag", ["status"])
    _pairs("id_tag_group", {"key": "id_tag.key"})
    _table("id_tag_site", ["site_id", "key"], [], references={**_SITE, "key": "id_tag.key"})
    op.create_index("ix_id_tag_site_key", "id_tag_site", ["key"])
    op.create_table(
        "id_tag_conflict",
        sa.Column("site_id", sa.Text()),
        sa.Column("conflict", sa.Uuid()),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("kept", sa.JSON(), nullable=False),
        sa.Column("discarded", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "conflict", name="pk_id_tag_conflict"),
        sa.ForeignKeyConstraint(["site_id"], ["site.site_id"], name="fk_id_tag_conflict_site_id"),
    )
    op.create_index("ix_id_tag_conflict_at_conflict", "id_tag_conflict", ["at", "conflict"])
    op.create_index("ix_id_tag_conflict_key_at", "id_tag_conflict", ["key", "at"])


def _sites() -> None:
    _table(
        "site_policy",
        ["site_id"],
        ["offline"],
        references=_SITE,
        unknown_limit_wh_=sa.BigInteger(),
        stale_after_s_=sa.BigInteger(),
        show_names_=sa.Boolean(),
        changed_at_=_INSTANT,
    )
    _table(
        "published_set",
        ["site_id", "set_name"],
        ["hash"],
        references=_SITE,
        version_=sa.BigInteger(),
        floor_=sa.BigInteger(),
        entries_=sa.BigInteger(),
        changed_at_=_INSTANT,
    )
    _table(
        "published_entry",
        ["site_id", "set_name", "entry_key"],
        [],
        references=_SITE,
        version_=sa.BigInteger(),
        urgent_=sa.Boolean(),
        content=sa.JSON(),
        own_version_=sa.BigInteger(),
        changed_at_=_INSTANT,
    )
    op.create_index(
        "ix_published_entry_site_id_set_name_version", "published_entry", ["site_id", "set_name", "version"]
    )
    _table(
        "applied_set",
        ["site_id", "set_name"],
        ["hash", "how"],
        references=_SITE,
        incarnation_=sa.Uuid(),
        version_=sa.BigInteger(),
        entries_=sa.BigInteger(),
        applied_at_=_INSTANT,
        received_at_=_INSTANT,
    )


def _table(
    name: str,
    keys: list[str],
    texts: list[str],
    *,
    references: dict[str, str] | None = None,
    **more: sa.types.TypeEngine[Any],
) -> None:
    """Make a table: text keys, texts that are there, and `more` columns; a name that ends in _ may not be null."""
    op.create_table(
        name,
        *(sa.Column(key, sa.Text()) for key in keys),
        *(sa.Column(text, sa.Text(), nullable=False) for text in texts),
        *(sa.Column(column.rstrip("_"), kind, nullable=not column.endswith("_")) for column, kind in more.items()),
        sa.PrimaryKeyConstraint(*keys, name=f"pk_{name}"),
        *(
            sa.ForeignKeyConstraint([column], [target], name=f"fk_{name}_{column}")
            for column, target in (references or {}).items()
        ),
    )
