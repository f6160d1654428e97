"""The directory that comes down: its sets, what an entry of each says, and the exchange that brings them.

A set is a map from key to content. Each change gives it the next version; an edge that has version V asks for what has
changed since. A content hash over the whole set tells both sides whether they hold the same.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, NonNegativeInt, PositiveInt, StringConstraints

from contract.model import Record, UtcDatetime

DIRECTORY_PATH = "/api/v1/edges/{edge}/directory/{set}"

SLICE = 500
"""Entries of one answer at most."""

POLICY_KEY = "site"
"""The one key of the set `policy`."""

_MODULUS = 2**256

Decimal = Annotated[str, StringConstraints(pattern=r"^\d{1,9}(\.\d{1,6})?$")]
"""An amount of money, written out: floats round."""


class DirectorySet(StrEnum):
    """The sets, in the order in which they are pulled: what may not charge any more comes first."""

    ID_TAGS = "id_tags"
    POLICY = "policy"
    GROUPS = "groups"
    PEOPLE = "people"
    TARIFFS = "tariffs"


class IdTagStatus(StrEnum):
    """What the directory may say of an id tag. ConcurrentTx is decided per transaction, never stored."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"


class DirectoryIdTag(Record):
    """An entry of `id_tags`; its key is the id tag in lower case."""

    id_tag: str
    """As it was first spelled."""
    status: IdTagStatus
    status_since: UtcDatetime
    expires_at: UtcDatetime | None = None
    """From then on it is answered Expired. `None`: it does not expire."""
    parent_id_tag: str | None = None
    person: str | None = None
    """Whose it is: a key of `people`; `None`: nobody's in particular."""
    version: int
    """Of the id tag itself: grows with each change, wherever it is made. The last writer by version wins."""


class DirectoryPerson(Record):
    """An entry of `people`; its key is the person's opaque id."""

    groups: list[str]
    """Those of the person's groups that this site serves."""
    display_name: str | None = None
    """Only where the site's policy says that names are shown there."""


class DirectoryGroup(Record):
    """An entry of `groups`; its key is the group's id."""

    name: str
    tariff: str | None = None
    """A key of `tariffs`; `None`: none."""


class DirectoryTariff(Record):
    """An entry of `tariffs`; its key is the tariff's id."""

    name: str
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    """ISO 4217."""
    price_per_kwh: Decimal = "0"
    """In units of the currency, as all prices here."""
    price_per_session: Decimal = "0"
    price_per_idle_minute: Decimal = "0"
    """After charging has ended, while the car still stands there."""
    valid_from: UtcDatetime | None = None
    """`None`: since ever."""
    valid_until: UtcDatetime | None = None
    """Exclusive. `None`: until it is changed."""


class OfflineMode(StrEnum):
    """What an edge does about id tags while its directory is stale."""

    DENY = "deny"
    """Nobody begins to charge."""
    ALLOW_KNOWN = "allow_known"
    """Who is in the directory is decided on as ever; unknown id tags are refused."""
    ALLOW_UNKNOWN = "allow_unknown_up_to"
    """Besides, an unknown id tag may charge up to a limit."""


class DirectoryPolicy(Record):
    """The entry of `policy`, under the key `site`."""

    offline: OfflineMode = OfflineMode.ALLOW_KNOWN
    unknown_limit_wh: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """What an unknown id tag may draw under `allow_unknown_up_to`."""
    stale_after_s: Annotated[int, Field(ge=60, le=31_536_000)] = 900
    """Seconds without a word of the cloud after which the directory counts as stale."""
    show_names: bool = False
    """Whether people's display names come down to this site."""


ENTRIES: dict[DirectorySet, type[Record]] = {
    DirectorySet.ID_TAGS: DirectoryIdTag,
    DirectorySet.POLICY: DirectoryPolicy,
    DirectorySet.GROUPS: DirectoryGroup,
    DirectorySet.PEOPLE: DirectoryPerson,
    DirectorySet.TARIFFS: DirectoryTariff,
}
"""What the content of each set's entries is."""


class AppliedSet(Record):
    """One set as an edge holds it."""

    incarnation: UUID
    """The cloud database that the version is of."""
    version: NonNegativeInt
    hash: str
    """Hex: the content hash."""
    entries: NonNegativeInt
    applied_at: UtcDatetime
    """When its content changed last."""


class DirectoryRequest(Record):
    """What an edge asks for. Over HTTPS these are the query's parameters, beside the set in the path."""

    set: DirectorySet
    since: NonNegativeInt | None = None
    """The version that the edge has: it wants what changed since. `None`: it wants a snapshot, that is everything."""
    incarnation: UUID | None = None
    """The cloud database that `since` is of; another one answers 410."""
    after: Annotated[str, StringConstraints(max_length=500)] | None = None
    """`next` of the slice before; `None`: the first slice."""
    epoch: PositiveInt | None = None
    """The epoch that the edge speaks under; one that is not the present one gets nothing. `None`: it does not say."""


class ChangedEntry(Record):
    """An entry as it is now."""

    key: str
    content: dict[str, Any]
    """Kept as it came, fields that the reader does not know included: they count in the hash."""


class RemovedEntry(Record):
    """An entry that is no longer there."""

    key: str
    version: int = 0
    """Of an id tag: its own version when it was removed."""


class DirectoryAnswer(Record):
    """One slice of a delta or of a snapshot. 410: the delta is not to be had, take a snapshot.

    The set may change between two slices. What the reader has after the last one is at least the `version` of the
    *first*; if the last says another one, it asks for the delta in between, in which nothing is missing.
    """

    incarnation: UUID
    server_time: UtcDatetime
    set: DirectorySet
    version: NonNegativeInt
    """The set's version when this slice was written."""
    hash: str
    """Hex: the content hash of the whole set at `version`."""
    changed: list[ChangedEntry]
    """Of `id_tags` those first that may not charge."""
    removed: list[RemovedEntry]
    next: str | None = None
    """What to pass as `after` for the following slice; `None`: this was the last one."""


def key_of_id_tag(id_tag: str) -> str:
    """The key of an id tag: they compare without regard to case (OCPP 1.6 ed. 2 §7.28 "IdToken")."""
    return id_tag.lower()


def canonical(content: dict[str, Any]) -> str:
    """Write an entry's content so that equal contents are equal texts."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(key: str, canonical_content: str) -> int:
    """What one entry adds to the content hash of its set."""
    return int.from_bytes(hashlib.sha256(f"{key}\x00{canonical_content}".encode("utf-8", "surrogatepass")).digest())


def moved(content_hash: str, *, added: int = 0, taken: int = 0) -> str:
    """Move a content hash by the digests of entries that came and went. `EMPTY` is that of an empty set.

    It is the sum of the digests, so the order does not matter, and a change costs the same in a set of any size. It
    finds mistakes; a forger is kept out by other means.
    """
    return f"{(int(content_hash, 16) + added - taken) % _MODULUS:064x}"


EMPTY = f"{0:064x}"
"""The content hash of an empty set."""
