"""The soft reset that changed keys wait for (OCPP 1.6 ed. 2 §5.14 "Reset"): never during a transaction."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import structlog

from edge.errors import TooLateError
from edge.store import transactions
from edge.upkeep.visit import Later, Visit

LOOK_AGAIN = timedelta(seconds=60)

_log = structlog.get_logger()


async def reset_when_idle(visit: Visit) -> Later:
    """Restart a charge point once no transaction runs there."""
    if await visit.read(partial(transactions.open_at, charge_point=visit.identity)):
        return LOOK_AGAIN
    try:
        answer = await visit.ask("Reset", {"type": "Soft"}, partial(is_idle, visit))
    except TooLateError:  # a transaction began meanwhile
        return LOOK_AGAIN
    if answer.get("status") != "Accepted":
        return LOOK_AGAIN
    _log.info("reset_for_configuration", charge_point=visit.identity)
    return None


def is_idle(visit: Visit) -> bool:
    """Whether no transaction runs, asked directly before a frame is written."""
    return not visit.tools.readers.run_now(partial(transactions.open_at, charge_point=visit.identity))
