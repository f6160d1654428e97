"""Ask for a command, or take it back."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from cloud.commands import repository
from cloud.commands.schemas import Order
from cloud.commands.service.expiring import expire_if_late
from cloud.commands.service.reading import missing
from cloud.commands.service.waking import ring
from cloud.db.database import Database
from cloud.errors import NotCancelableError, UnknownChargePointError
from cloud.models.commands import CommandRow
from contract.commands import FINAL_STATES, CommandState
from contract.link import CommandItemKind
from contract.operations import BY_ACTION


def create(database: Database, order: Order, now: datetime) -> UUID:
    """Write a command and its number; the edge is woken after the commit.

    Raises:
        UnknownSiteError: no such site.
        UnknownChargePointError: the site has told of no such charge point.
    """
    with database.write() as unit:
        site = repository.lock_site(unit, order.site)
        if not repository.is_known(unit, order.site, order.charge_point):
            raise UnknownChargePointError(
                f"Site {order.site} has told of no charge point {order.charge_point}.",
                hint=f"GET /api/v1/charge-points?site={order.site} lists those that it has.",
            )
        row = _row(order, now)
        unit.add(row)
        unit.flush()
        repository.add_transition(unit, row, CommandState.CREATED, at=now, received_at=now)
        repository.add_item(unit, site, CommandItemKind.EXECUTE, row.command)
        ring(unit, row)
        return row.command


def _row(order: Order, now: datetime) -> CommandRow:
    return CommandRow(
        site_id=order.site,
        command=uuid7(),
        charge_point=order.charge_point,
        action=order.action,
        payload=order.payload,
        requested_by=order.requested_by,
        created_at=now,
        deadline=now + BY_ACTION[order.action].time_to_live,
        state=CommandState.CREATED.value,
        moves=0,
        guessed=False,
    )


def cancel(database: Database, command: UUID, now: datetime) -> None:
    """Take a command back, or ask its edge to. Asking again changes nothing.

    Raises:
        NotFoundError: there is none.
        NotCancelableError: it has started, or has already ended.
    """
    with database.write() as unit:
        found = repository.one(unit, command)
        if found is None:
            raise missing(command)
        site = repository.lock_site(unit, found.site_id)
        row = repository.of_site(unit, found.site_id, command)
        assert row is not None  # noqa: S101 - commands are never deleted
        expire_if_late(unit, row, now)
        state = CommandState(row.state)
        _require_cancelable(state)
        if row.handed_out_at is None:
            row.state, row.guessed = CommandState.CANCELED.value, True
            repository.add_transition(unit, row, CommandState.CANCELED, at=now, received_at=now)
        elif row.cancel_requested_at is None:
            repository.add_item(unit, site, CommandItemKind.CANCEL, command)
        row.cancel_requested_at = row.cancel_requested_at or now
        ring(unit, row)


def _require_cancelable(state: CommandState) -> None:
    if state in FINAL_STATES:
        raise NotCancelableError(f"The command has ended: {state}.", hint="Nothing is left to take back.")
    if state is CommandState.STARTED:
        raise NotCancelableError(
            "The call is on its way to the charge point.", hint="Wait for its answer, then ask for the opposite."
        )
