"""The roll-out of firmware: one charge point after another, each step written down before and after it is taken."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from datetime import datetime
from functools import partial

import structlog

from edge.domain.alarms import AlarmKind
from edge.domain.firmware_rollout import Decision, Facts, Next, Patience, Step, StepState, decide, turn
from edge.domain.registration import Registration
from edge.domain.timestamps import iso
from edge.errors import CallFailedError, CallTimeoutError, NotConnectedError, StoreUnavailableError, TooLateError
from edge.operations.caller import Caller
from edge.store import alarms, charge_points, file_exchange, firmwares
from edge.store.file_exchange import TOKEN_BYTES, Files, Purpose, Ticket
from edge.store.firmwares import Firmware, Rollout
from edge.store.writer import WriteTx
from edge.upkeep.restarting import shows_no_transaction
from edge.upkeep.visit import Tools

NO_ADDRESS = "this edge offers no files any more: GARDU_EDGE_FILES__URL is not set"

_log = structlog.get_logger()


class Rollouts:
    """Moves running roll-outs on, until cancelled."""

    def __init__(self, tools: Tools, caller: Caller, files: Files, patience: Patience) -> None:
        self._patience = patience
        self._tools = tools
        self._caller = caller
        self._files = files

    async def run(self) -> None:
        """Look at each roll-out again and again."""
        while True:
            try:
                for rollout in await self._tools.readers.run(firmwares.running):
                    await self._advance(rollout)
            except StoreUnavailableError:
                pass
            except Exception:  # noqa: BLE001 - the task border: the next look may do better
                _log.exception("rollout_failed")
            await asyncio.sleep(self._tools.choices.look_every_s)

    async def _advance(self, rollout: Rollout) -> None:
        steps = await self._tools.readers.run(partial(firmwares.steps, name=rollout.rollout))
        firmware = await self._tools.readers.run(partial(firmwares.find, firmware=rollout.firmware))
        step, now = turn(steps), self._tools.clock.now()
        if firmware is None:
            return
        if step is None:
            await self._tools.writer.run(
                lambda tx: firmwares.end(tx.connection, rollout.rollout, "succeeded", None, now)
            )
            return
        if step.turn_at is None:
            await self._tools.writer.run(
                lambda tx: firmwares.begin_turn(tx.connection, rollout.rollout, step.position, now)
            )
        facts = await self._tools.readers.run(
            partial(_facts, step.charge_point, step.charge_point in self._caller.connected())
        )
        decision = decide(step, facts, firmware.version, now, self._patience)
        if decision.do is Next.ASK and self._files.url is None:
            await self._tools.writer.run(
                lambda tx: firmwares.end(tx.connection, rollout.rollout, "stopped", NO_ADDRESS, now)
            )
        elif decision.do is Next.ASK:
            await self._ask(rollout, firmware, step)
        elif decision.do is not Next.WAIT:
            await self._tools.writer.run(partial(_conclude, rollout, step, decision, now))

    async def _ask(self, rollout: Rollout, firmware: Firmware, step: Step) -> None:
        token, now = secrets.token_urlsafe(TOKEN_BYTES), self._tools.clock.now()
        ticket = Ticket(Purpose.FIRMWARE, firmware.firmware, step.charge_point)

        def begin(tx: WriteTx) -> None:
            file_exchange.issue(tx.connection, token, ticket, now, self._patience.update)
            firmwares.put_step(tx.connection, rollout.rollout, step.position, StepState.ASKING, asked_at=now)

        await self._tools.writer.run(begin)
        request = {"location": f"{self._files.url}/f/{token}/{firmware.name}", "retrieveDate": iso(now)}
        state, detail, sent = StepState.ASKED, None, False

        def may_send() -> bool:
            nonlocal sent
            sent = self._is_idle(step.charge_point)
            return sent

        try:
            await self._tools.perform(step.charge_point, "UpdateFirmware", request, may_send)
        except (TooLateError, NotConnectedError):
            if sent:  # some begin at once, without a word: asked anew, they would install for ever
                detail = "its connection broke before it answered, and it may have obeyed"
            else:
                state = StepState.WAITING
        except CallTimeoutError:
            detail = "it did not answer, and may have obeyed"
        except CallFailedError as error:
            state, detail = StepState.FAILED, str(error)
        await self._tools.writer.run(
            lambda tx: firmwares.put_step(tx.connection, rollout.rollout, step.position, state, detail=detail)
        )

    def _is_idle(self, charge_point: str) -> bool:
        return self._tools.readers.run_now(partial(shows_no_transaction, charge_point))


def _facts(charge_point: str, connected: bool, connection: sqlite3.Connection) -> Facts:  # noqa: FBT001 - bound once
    row = charge_points.find(connection, charge_point)
    booted_at = None if row is None else row.booted_at
    return Facts(
        connected=connected and row is not None and row.registration is Registration.ACCEPTED,
        idle=shows_no_transaction(charge_point, connection),
        firmware=None if row is None else row.firmware_version,
        booted_at=None if booted_at is None else datetime.fromisoformat(booted_at),
    )


def _conclude(rollout: Rollout, step: Step, decision: Decision, now: datetime, tx: WriteTx) -> None:
    """Write the end of one charge point's update. A failure ends the roll-out: the others keep what they have."""
    connection = tx.connection
    file_exchange.revoke(connection, step.charge_point, Purpose.FIRMWARE)
    if decision.do is Next.VERIFIED:
        firmwares.put_step(connection, rollout.rollout, step.position, StepState.VERIFIED)
        alarms.clear_alarm(tx, AlarmKind.FIRMWARE_FAILED, step.charge_point, now)
        return
    firmwares.put_step(connection, rollout.rollout, step.position, StepState.FAILED, detail=decision.why)
    firmwares.end(connection, rollout.rollout, "stopped", f"{step.charge_point}: {decision.why}", now)
    alarms.raise_alarm(tx, AlarmKind.FIRMWARE_FAILED, step.charge_point, decision.why, now)
