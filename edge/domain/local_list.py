"""A charge point's local list: which id tags it gets, and how it is brought there (OCPP 1.6 ed. 2 §3.5.2, §5.15).

A version that is sent is never 0 or less: those mean an empty list and no list (errata 3.52).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from edge.domain.authorisation import DirectoryEntry
from edge.domain.timestamps import iso

FULL, DIFFERENTIAL = "Full", "Differential"
UNSUPPORTED = -1
"""The version that a charge point without local lists reports."""
LAST_VERSION = 2**31 - 1
"""Some charge points count in 32 bits: after it the count begins anew, with a full list."""
DEFAULT_CAPACITY = 1000
DEFAULT_CHUNK = 50
"""Where the charge point does not tell its limits."""

Entries = Mapping[str, Mapping[str, Any]]
"""Id tag → `idTagInfo`."""


@dataclass(frozen=True, slots=True)
class Sending:
    """One SendLocalList, and what the charge point has once it accepted it."""

    version: int
    update_type: str
    authorizations: list[dict[str, Any]]
    result: dict[str, Mapping[str, Any]]

    def payload(self) -> dict[str, Any]:
        """Write the request."""
        return {
            "listVersion": self.version,
            "updateType": self.update_type,
            "localAuthorizationList": self.authorizations,
        }


def limit(reported: str | None, default: int) -> int:
    """Read a limit of a charge point's configuration; `default` where it says nothing usable."""
    text = (reported or "").strip()
    return int(text) if text.isdecimal() and int(text) > 0 else default


def entries_for(tags: Iterable[DirectoryEntry], capacity: int, longest: int) -> dict[str, dict[str, Any]]:
    """Choose the id tags of a list.

    Args:
        tags: those of the directory, the most recently used first.
        capacity: how many the charge point holds.
        longest: characters of an id tag that it holds.
    """
    chosen: dict[str, dict[str, Any]] = {}
    for tag in tags:
        if len(chosen) >= capacity:
            break
        if len(tag.id_tag) <= longest:
            chosen[tag.id_tag] = _info(tag)
    return chosen


def _info(tag: DirectoryEntry) -> dict[str, Any]:
    info: dict[str, Any] = {"status": tag.status}
    if tag.expires_at is not None:
        info["expiryDate"] = iso(tag.expires_at)
    if tag.parent_id_tag is not None:
        info["parentIdTag"] = tag.parent_id_tag
    return info


def plan(held: Entries | None, version: int, wanted: Entries, chunk: int) -> list[Sending]:
    """Say what to send, in order; nothing when the charge point has the list already.

    Args:
        held: what it has, as far as is known; `None`: not known, so that it gets everything anew.
        version: the one that it reports.
        wanted: what it should have.
        chunk: how many entries one message may hold.
    """
    if held is None or version >= LAST_VERSION - len(wanted):
        return _full(version, wanted, chunk)
    changed = [_entry(tag, info) for tag, info in wanted.items() if held.get(tag) != info]
    gone = [{"idTag": tag} for tag in held if tag not in wanted]
    if not changed and not gone:
        return []
    if len(changed) + len(gone) > max(len(wanted), chunk):
        return _full(version, wanted, chunk)
    # What goes makes room first: a list may be full.
    return _differential(dict(held), version, gone + changed, chunk)


def _full(version: int, wanted: Entries, chunk: int) -> list[Sending]:
    """Everything: the first chunk replaces the list, the others are added to it."""
    number = max(version, 0) + 1 if version < LAST_VERSION - len(wanted) - 1 else 1
    entries = [_entry(tag, info) for tag, info in wanted.items()]
    first = entries[:chunk]
    start = Sending(number, FULL, first, {one["idTag"]: one["idTagInfo"] for one in first})
    return [start, *_differential(dict(start.result), number, entries[chunk:], chunk)]


def _differential(
    held: dict[str, Mapping[str, Any]], version: int, entries: list[dict[str, Any]], chunk: int
) -> list[Sending]:
    sendings = []
    for number, start in enumerate(range(0, len(entries), chunk), start=1):
        part = entries[start : start + chunk]
        for entry in part:
            if "idTagInfo" in entry:
                held[entry["idTag"]] = entry["idTagInfo"]
            else:
                held.pop(entry["idTag"], None)
        sendings.append(Sending(max(version, 0) + number, DIFFERENTIAL, part, dict(held)))
    return sendings


def _entry(tag: str, info: Mapping[str, Any]) -> dict[str, Any]:
    return {"idTag": tag, "idTagInfo": dict(info)}
