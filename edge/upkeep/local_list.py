"""Keeping a charge point's local list in step with the site's directory (OCPP 1.6 ed. 2 §5.10, §5.15, §5.4)."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from edge.domain import local_list
from edge.domain.local_list import DEFAULT_CAPACITY, DEFAULT_CHUNK, UNSUPPORTED, Sending
from edge.errors import CallFailedError
from edge.store import configurations, local_lists
from edge.store.local_lists import ListState
from edge.store.writer import WriteTx
from edge.upkeep.visit import Later, Visit

PROFILE = "localauthlistmanagement"
ROUNDS = 2
"""What was refused is sent once more, in full."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the store knows."""

    known: local_lists.LocalList | None
    wanted: dict[str, dict[str, Any]]
    chunk: int
    possible: bool
    """Whether the charge point says that it has local lists, or does not say."""


async def keep_in_step(visit: Visit) -> Later:
    """Send what is missing, by differences where the charge point's list is known, else in full.

    Raises:
        CallFailedError: it refuses the full list, too.
    """
    facts = await visit.read(partial(_facts, visit.identity, longest=visit.quirks.idtag_max))
    if not facts.possible or (facts.known is not None and facts.known.state is ListState.UNSUPPORTED):
        return None
    version = await _version(visit)
    if version is None:
        await visit.write(lambda tx, now: local_lists.record_unsupported(tx.connection, visit.identity, now))
        return None
    known = facts.known
    sure = known is not None and known.state is ListState.KNOWN and known.version == version
    held = known.entries if known is not None and sure else None
    refusal: str | None = None
    for _ in range(ROUNDS):
        refusal = await _send_all(visit, local_list.plan(held, version, facts.wanted, facts.chunk))
        if refusal is None:
            return None
        held = None
        version = await _version(visit) or 0
    raise CallFailedError(refusal or "Failed", "SendLocalList, in full")


async def clear_cache(visit: Visit) -> Later:
    """Empty the authorization cache; Rejected means that there is none (errata 3.23)."""
    try:
        await visit.ask("ClearCache", {})
    except CallFailedError:
        return None
    return None


async def _version(visit: Visit) -> int | None:
    """Ask for the version; `None`: it has no local lists."""
    try:
        answer = await visit.ask("GetLocalListVersion", {})
    except CallFailedError as error:
        if error.code in ("NotImplemented", "NotSupported"):
            return None
        raise
    version = answer.get("listVersion")
    if not isinstance(version, int) or version == UNSUPPORTED:
        return None
    return version


async def _send_all(visit: Visit, sendings: list[Sending]) -> str | None:
    """Send one after the other, and write each down that was accepted.

    Returns:
        The answer that was no consent; `None`: all were accepted, or the charge point has no local lists after all.
    """
    for sending in sendings:
        answer = str((await visit.ask("SendLocalList", sending.payload())).get("status"))
        if answer == "NotSupported":
            await visit.write(lambda tx, now: local_lists.record_unsupported(tx.connection, visit.identity, now))
            return None
        if answer != "Accepted":
            await visit.write(lambda tx, _: local_lists.doubt(tx.connection, visit.identity))
            return answer
        await visit.write(partial(_record, visit.identity, sending))
    if sendings:
        _log.info("local_list_sent", charge_point=visit.identity, entries=len(sendings[-1].result))
    return None


def _record(charge_point: str, sending: Sending, tx: WriteTx, now: datetime) -> None:
    local_lists.record(tx.connection, charge_point, sending.version, sending.result, now)


def _facts(charge_point: str, connection: sqlite3.Connection, longest: int) -> _Facts:
    value = partial(configurations.value_of, connection, charge_point)
    profiles, capacity = value("SupportedFeatureProfiles"), value("LocalAuthListMaxLength")
    enabled = (value("LocalAuthListEnabled") or "true").strip().lower() != "false"
    return _Facts(
        known=local_lists.find(connection, charge_point),
        wanted=local_list.entries_for(
            local_lists.by_recent_use(connection), local_list.limit(capacity, DEFAULT_CAPACITY), longest
        ),
        chunk=local_list.limit(value("SendLocalListMaxLength"), DEFAULT_CHUNK),
        possible=enabled and (profiles is None or capacity is not None or PROFILE in profiles.lower()),
    )
