"""Reading a charge point's configuration (OCPP 1.6 ed. 2 §5.8 "Get Configuration"), however much it tells at once."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from edge.domain import configuration
from edge.domain.configuration import STANDARD_KEYS, Entry
from edge.errors import CallFailedError, CallTimeoutError
from edge.store import configurations
from edge.upkeep.visit import Visit

MOST_KEYS = "GetConfigurationMaxKeys"


async def read_whole(visit: Visit, wanted: Iterable[str]) -> list[Entry]:
    """Ask for everything and keep it; key by key, in groups, where the charge point does not tell everything at once.

    Raises:
        NotConnectedError: the connection broke.
        CallFailedError, CallTimeoutError: it told nothing at all.
    """
    asked_for = [*STANDARD_KEYS, *wanted]
    try:
        entries = await _ask(visit, None)
    except (CallFailedError, CallTimeoutError):
        if visit.quirks.known_keys_only:
            raise
        entries = await _by_groups(visit, asked_for, await _most_keys(visit))
    else:
        entries = await _complete(visit, entries, asked_for)
    whole = list({entry.key.lower(): _kept(entry) for entry in entries}.values())
    await visit.write(lambda tx, now: configurations.report_whole(tx.connection, visit.identity, whole, now))
    return whole


async def read_again(visit: Visit, keys: list[str]) -> list[Entry]:
    """Ask for some keys that it has reported before, and keep what it says now."""
    most = await visit.read(partial(configurations.value_of, charge_point=visit.identity, key=MOST_KEYS))
    entries = [_kept(entry) for entry in await _by_groups(visit, keys, most)]
    await visit.write(lambda tx, now: configurations.report(tx.connection, visit.identity, entries, now))
    return entries


async def _complete(visit: Visit, entries: list[Entry], asked_for: list[str]) -> list[Entry]:
    """Ask for what is missing where the answer seems to have been cut off at the most keys of one answer."""
    known = {entry.key.lower(): entry for entry in entries}
    most = known[MOST_KEYS.lower()].value if MOST_KEYS.lower() in known else None
    cut_off = not entries or (most is not None and most.strip().isdecimal() and len(entries) >= int(most))
    missing = [key for key in asked_for if key.lower() not in known]
    if not cut_off or not missing or visit.quirks.known_keys_only:
        return entries
    try:
        return entries + await _by_groups(visit, missing, most)
    except (CallFailedError, CallTimeoutError):
        return entries


async def _most_keys(visit: Visit) -> str | None:
    try:
        entries = await _ask(visit, [MOST_KEYS])
    except CallFailedError:
        return None
    return entries[0].value if entries else None


async def _by_groups(visit: Visit, keys: list[str], most: str | None) -> list[Entry]:
    """Ask group by group. A group that is refused is passed over, unless all are."""
    entries: list[Entry] = []
    refused: CallFailedError | None = None
    answered = False
    for group in configuration.groups(keys, most):
        try:
            entries += await _ask(visit, group)
            answered = True
        except CallFailedError as error:
            refused = error
    if refused is not None and not answered:
        raise refused
    return entries


async def _ask(visit: Visit, keys: list[str] | None) -> list[Entry]:
    answer: dict[str, Any] = await visit.ask("GetConfiguration", {} if keys is None else {"key": keys})
    items = answer.get("configurationKey")
    read = [configuration.read_entry(item) for item in items] if isinstance(items, list) else []
    return [entry for entry in read if entry is not None]


def _kept(entry: Entry) -> Entry:
    """Take a secret's value out before it is stored."""
    return Entry(entry.key, None, entry.readonly) if configuration.is_secret(entry.key) else entry
