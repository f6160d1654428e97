"""The soft reset that changed keys wait for (OCPP 1.6 ed. 2 §5.14 "Reset"): never during a transaction."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from functools import partial

import structlog

from edge.domain.connector import IN_USE
from edge.errors import CallFailedError, TooLateError
from edge.store import connectors, transactions
from edge.upkeep.visit import Later, Visit

LOOK_AGAIN = timedelta(seconds=60)

_log = structlog.get_logger()


async def reset_when_idle(visit: Visit) -> Later:
    """Restart a charge point once no transaction runs there.

    Raises:
        CallFailedError: it refuses to restart; it is asked a few times more, and not for ever.
    """
    if not await visit.read(partial(shows_no_transaction, visit.identity)):
        return LOOK_AGAIN
    try:
        answer = await visit.ask("Reset", {"type": "Soft"}, partial(is_idle, visit))
    except TooLateError:  # a transaction began meanwhile
        return LOOK_AGAIN
    if answer.get("status") != "Accepted":
        raise CallFailedError(str(answer.get("status")), "Reset")
    _log.info("reset_for_configuration", charge_point=visit.identity)
    return None


def is_idle(visit: Visit) -> bool:
    """Whether no transaction runs, asked directly before a frame is written."""
    return visit.tools.readers.run_now(partial(shows_no_transaction, visit.identity))


def shows_no_transaction(charge_point: str, connection: sqlite3.Connection) -> bool:
    """Whether no transaction is known, and no connector shows one whose start has not arrived."""
    if transactions.open_at(connection, charge_point):
        return False
    return all(one.status not in IN_USE for one in connectors.of_charge_point(connection, charge_point))
