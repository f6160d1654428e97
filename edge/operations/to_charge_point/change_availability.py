"""ChangeAvailability (OCPP 1.6 ed. 2 §5.2)."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any, cast

import structlog

from contract.operations.core import ChangeAvailability
from edge.domain.availability import DONE
from edge.errors import StoreUnavailableError
from edge.operations.to_charge_point.errand import Errand
from edge.store import availabilities
from edge.store.writer import WriteTx

_log = structlog.get_logger()


async def perform(errand: Errand) -> dict[str, Any]:
    """What is obeyed, now or after the running transaction, is remembered: it is asked for again after a boot."""
    answer = await errand.send()
    if answer.get("status") in DONE:
        request = cast("ChangeAvailability", errand.request)
        now = errand.clock.now()
        try:
            await errand.writer.run(partial(_remember, errand, request.connector_id, request.type.value, now))
        except StoreUnavailableError:
            _log.warning("availability_not_remembered", charge_point=errand.charge_point)
    return answer


def _remember(errand: Errand, connector_id: int, kind: str, now: datetime, tx: WriteTx) -> None:
    availabilities.desire(tx.connection, errand.charge_point, connector_id, kind, now)
