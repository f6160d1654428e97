"""Provisioning: a charge point gets the configuration that the site wants it to have, and nothing that it has already.

Each step leaves the charge point with valid values, and is written down. Whatever interrupts it, the next run compares
anew and sets what is still missing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import structlog

from edge.domain import configuration
from edge.domain.alarms import AlarmKind
from edge.domain.configuration import MEASURAND_LISTS, REFUSALS_BEFORE_GIVING_UP, Change, Entry
from edge.errors import CallFailedError
from edge.store import alarms, configurations, upkeep_tasks
from edge.store.upkeep_tasks import TaskKind
from edge.store.writer import WriteTx
from edge.upkeep.reading import read_again, read_whole
from edge.upkeep.visit import Later, Visit

TAKEN = frozenset({"Accepted", "RebootRequired"})
ANSWERS = TAKEN | {"Rejected", "NotSupported"}
"""Of ChangeConfiguration (§7.22). Anything else is the code of a CALLERROR."""
TRY_AGAIN = timedelta(days=1)
"""After a negotiation that an error cut short."""
NOT_KEPT = "NotKept"
"""Our own word beside the answers of ChangeConfiguration: it was accepted, and reads back as something else."""

_log = structlog.get_logger()


async def provision(visit: Visit) -> Later:
    """Bring a charge point's configuration to what is wanted (see `domain.configuration`)."""
    wanted = await visit.wanted()
    reported = await read_whole(visit, wanted)
    await visit.write(lambda tx, now: configurations.forget_cut_short(tx.connection, visit.make, now))
    await _note_what_it_measures(visit, wanted, reported)
    desired = await _affordable(visit, wanted)
    await _judge_reboot(visit, reported, desired)
    changes = await _changes(visit, reported, desired)
    current = {entry.key.lower(): entry.value for entry in reported}
    taken = [change for change in changes if await _set(visit, change, current[change.key.lower()])]
    if taken:
        await _verify(visit, taken)
    await visit.write(lambda tx, now: configurations.record_provisioned(tx.connection, visit.identity, now))
    await visit.write(lambda tx, now: alarms.clear_alarm(tx, AlarmKind.PROVISIONING_FAILED, visit.identity, now))
    _log.info("provisioned", charge_point=visit.identity, changed=[change.key for change in taken])
    return None


async def probe(visit: Visit) -> Later:
    """See whether a charge point that came without a boot answers; provision it if that was never done.

    It is asked for one harmless key: after Accepted nobody may ask it to boot (OCPP 1.6 errata 3.40).
    """
    await visit.ask("GetConfiguration", {"key": ["HeartbeatInterval"]})
    if await visit.read(partial(configurations.provisioned_at, charge_point=visit.identity)) is None:
        await visit.write(lambda tx, now: upkeep_tasks.demand(tx.connection, visit.identity, TaskKind.PROVISION, now))
    return None


async def _note_what_it_measures(visit: Visit, wanted: dict[str, str], reported: list[Entry]) -> None:
    """Take the measurands that it names under a key of its own for the result of a negotiation."""
    key, make = visit.quirks.measurand_key, visit.make
    named = next((one.value for one in reported if key is not None and one.key.lower() == key.lower()), None)
    for name, shorter in configuration.measurable(wanted, named).items():
        await visit.write(
            lambda tx, _, name=name, shorter=shorter: configurations.record_measurands(  # type: ignore[misc]
                tx.connection, make, name, wanted[name], shorter
            )
        )


async def _affordable(visit: Visit, wanted: dict[str, str]) -> dict[str, str]:
    return await visit.read(partial(configurations.affordable, make=visit.make, wanted_values=wanted))


async def _changes(visit: Visit, reported: list[Entry], desired: dict[str, str]) -> list[Change]:
    refused = await visit.read(partial(configurations.refusals, make=visit.make))
    given_up = [(refusal.key.lower(), refusal.value) for refusal in refused if refusal.given_up]
    return configuration.plan(reported, desired, given_up)


async def _set(visit: Visit, change: Change, current: str | None) -> bool:
    """Set one key.

    Returns:
        Whether the charge point took a value that has to be verified.
    """
    if change.key.lower() in MEASURAND_LISTS and not visit.quirks.skip_measurand_probing:
        return await _negotiate(visit, change, current)
    return await _try_twice(visit, change)


async def _try_twice(visit: Visit, change: Change) -> bool:
    """Set a key; a refusal is counted for the whole kind, and after the second nobody is asked again."""
    while True:
        answer = await _send(visit, change)
        if answer in TAKEN:
            return True
        if await _count_refusal(visit, change, answer) >= REFUSALS_BEFORE_GIVING_UP:
            _log.info("configuration_given_up", charge_point=visit.identity, key=change.key, answer=answer)
            return False


async def _negotiate(visit: Visit, change: Change, current: str | None) -> bool:
    """Find the longest list of measurands that the charge point takes; its kind is asked this once.

    An error says less than a rejection: it may have been a moment's. What one cut short holds for a day only.

    A rejected list changes nothing, so at every moment it has a valid list: its own, or the one that we end with.
    """
    accepted, taken, cut_short = current or "", False, False
    for shorter in configuration.shorter_lists(change.value, current):
        answer = await _send(visit, Change(change.key, shorter))
        if answer in TAKEN:
            accepted, taken = shorter, True
            break
        if answer == "NotSupported":
            break
        cut_short = cut_short or answer not in ANSWERS
    make = visit.make

    def record(tx: WriteTx, now: datetime) -> None:
        retry_at = now + TRY_AGAIN if cut_short else None
        configurations.record_measurands(tx.connection, make, change.key, change.value, accepted, retry_at)

    await visit.write(record)
    return taken


async def _send(visit: Visit, change: Change) -> str:
    """Send one ChangeConfiguration, and write down at once what it came to."""
    try:
        answer = await visit.ask("ChangeConfiguration", {"key": change.key, "value": change.value})
    except CallFailedError as error:
        return error.code
    status = str(answer.get("status"))
    if status in TAKEN:
        await visit.write(partial(_record_taken, visit.identity, change, status == "RebootRequired"))
    return status


def _record_taken(charge_point: str, change: Change, reboot: bool, tx: WriteTx, now: datetime) -> None:  # noqa: FBT001
    configurations.report(tx.connection, charge_point, [Entry(change.key, change.value, readonly=False)], now)
    configurations.await_reboot(tx.connection, charge_point, change.key, awaits=reboot)
    if reboot:
        upkeep_tasks.demand(tx.connection, charge_point, TaskKind.RESET, now)


async def _verify(visit: Visit, taken: list[Change]) -> None:
    """Read back what was accepted. A value that is not kept counts as refused: it must not be set for ever."""
    entries = await read_again(visit, [change.key for change in taken])
    waiting = await visit.read(partial(configurations.awaiting_reboot, charge_point=visit.identity))
    held = {entry.key.lower(): entry.value for entry in entries}
    affordable = await _affordable(visit, {change.key: change.value for change in taken})
    for key, value in affordable.items():
        if key not in waiting and key.lower() in held and not configuration.same(key, value, held[key.lower()]):
            await _count_refusal(visit, Change(key, value), NOT_KEPT)


async def _judge_reboot(visit: Visit, reported: list[Entry], desired: dict[str, str]) -> None:
    """What waited for a restart and still differs after it was not kept: count it, or it would restart for ever."""
    identity = visit.identity
    waiting = await visit.read(partial(configurations.awaiting_reboot, charge_point=identity))
    if not waiting or TaskKind.RESET in await visit.read(partial(upkeep_tasks.standing, charge_point=identity)):
        return
    values = {key.lower(): value for key, value in desired.items()}
    held = {entry.key.lower(): entry.value for entry in reported}
    for key in waiting:
        await visit.write(partial(_forget_waiting, identity, key))
        value = values.get(key.lower())
        if value is not None and not configuration.same(key, value, held.get(key.lower())):
            await _count_refusal(visit, Change(key, value), NOT_KEPT)


def _forget_waiting(charge_point: str, key: str, tx: WriteTx, _: datetime) -> None:
    configurations.await_reboot(tx.connection, charge_point, key, awaits=False)


async def _count_refusal(visit: Visit, change: Change, answer: str) -> int:
    make = visit.make
    return await visit.write(
        lambda tx, _: configurations.count_refusal(tx.connection, make, change.key, change.value, answer)
    )
