"""Runs commands: takes them from the inbox, calls the charge point, stores what came of it.

Commands of different charge points run side by side, those of one charge point one after the other. STARTED is on disk
before the call leaves, so that after a crash nobody has to guess whether it may have left. What lay in the store at the
start waits for the first greeting: the store may be a backup.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol
from uuid import UUID

import structlog

from contract.commands import CommandState
from edge.clock import Clock
from edge.errors import GarduEdgeError, StoreUnavailableError
from edge.relay.lifecycle import (
    SHOWS_ITS_EFFECT,
    Deadline,
    EffectSeen,
    Failed,
    Forsaken,
    Happening,
    Recovered,
    StartAsked,
    answer_of,
    error_of,
    hold_s,
    step,
    unusable,
)
from edge.store import commands
from edge.store.commands import StoredCommand
from edge.store.readers import Readers
from edge.store.writer import Writer, WriteTx

STORE_RETRY_S = 1.0
PATIENCE_S = 120.0
"""Longer than a charge point needs to come back after the edge's restart, boot, or begin a transaction."""
LOOK_S = 1.0
"""From one look for an effect to the next."""
OFFLINE_PATIENCE_S = 60.0
"""How long a command that may be repeated, and lay in the store at the start, waits for a cloud that is away."""

_log = structlog.get_logger()


class Perform(Protocol):
    """Carries out an operation at a charge point; `operations.to_charge_point` does."""

    def __call__(
        self, charge_point: str, action: str, payload: dict[str, Any], may_send: Callable[[], bool], command: UUID, /
    ) -> Awaitable[dict[str, Any]]:
        """Call and return the OCPP answer, camelCase. `may_send` is asked directly before the socket write."""
        ...


class Relay:
    """The one that runs commands.

    Args:
        writer: all state changes go through it.
        readers: for the inbox.
        clock: its boot clock decides whether a command is still in time.
        perform: the call itself; raises the errors of `edge.errors`.
        patience_s: how long after a crash the effect of a command that may not be repeated is waited for.
        store_retry_s: how long to wait for a store that does not take a commit.
        offline_patience_s: how long a command from before the start, which may be repeated, waits for `go_on`.
    """

    def __init__(
        self,
        *,
        writer: Writer,
        readers: Readers,
        clock: Clock,
        perform: Perform,
        patience_s: float = PATIENCE_S,
        store_retry_s: float = STORE_RETRY_S,
        offline_patience_s: float = OFFLINE_PATIENCE_S,
    ) -> None:
        self._writer = writer
        self._readers = readers
        self._clock = clock
        self._perform = perform
        self._patience_s = patience_s
        self._store_retry_s = store_retry_s
        self._offline_patience_s = offline_patience_s
        self._agreed = asyncio.Event()
        self._held: set[UUID] | None = None
        """From before the start, and waiting; `None`: not looked for yet."""
        self._bell = asyncio.Event()
        self._lanes: dict[str, deque[StoredCommand]] = {}
        self._taken: set[UUID] = set()

    def wake(self) -> None:
        """Look into the inbox: something was delivered."""
        self._bell.set()

    def go_on(self) -> None:
        """Nobody else has run what lies in the store: the cloud takes this life for the one that it knows."""
        self._agreed.set()

    def forsake(self, tx: WriteTx) -> None:
        """End what a later life of this database was given, too: the cloud took this edge for a restored one."""
        left_over = [
            one
            for one in commands.in_state(tx.connection, CommandState.STARTED)
            if (one.action not in SHOWS_ITS_EFFECT if self._held is None else one.command in self._held)
        ]
        for command in [*left_over, *commands.in_state(tx.connection, CommandState.DELIVERED)]:
            self._move(tx, command, Forsaken())

    async def run(self) -> None:
        """Deal with what lay in the store at the start, then serve the inbox until cancelled."""
        async with asyncio.TaskGroup() as group:
            left_over = await self._in_state(CommandState.STARTED)
            to_call = [command for command in left_over if command.action not in SHOWS_ITS_EFFECT]
            to_call += await self._in_state(CommandState.DELIVERED)
            self._held = {command.command for command in to_call}
            for command in to_call:
                group.create_task(self._hold(group, command), name=f"{command.command} from before")
            for command in left_over:
                if command.action in SHOWS_ITS_EFFECT:
                    group.create_task(self._reconcile(command), name=f"effect of {command.command}")
            self._bell.set()
            while True:
                await self._bell.wait()
                self._bell.clear()
                for command in await self._in_state(CommandState.DELIVERED):
                    if command.command not in self._held:
                        self._take(group, command)

    async def _hold(self, group: asyncio.TaskGroup, command: StoredCommand) -> None:
        """Wait for the word that this life goes on, as long as that is worth it."""
        deadline = Deadline(command.boot_id, command.deadline_boottime)
        boot_id, now, patience_s = self._clock.boot_id, self._clock.boottime(), self._offline_patience_s
        pause_s = hold_s(command.state, command.action, deadline, boot_id, now, patience_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._agreed.wait()
        if self._held is not None:
            self._held.discard(command.command)
        self._take(group, command)

    async def _in_state(self, state: CommandState) -> list[StoredCommand]:
        while True:
            try:
                return await self._readers.run(lambda connection: commands.in_state(connection, state))
            except sqlite3.Error as error:
                _log.warning("inbox_not_read", error=str(error))
                await asyncio.sleep(self._store_retry_s)

    def _take(self, group: asyncio.TaskGroup, command: StoredCommand) -> None:
        """Put a command behind those of the same charge point; once, however often it is read."""
        if command.command in self._taken:
            return
        self._taken.add(command.command)
        if (lane := self._lanes.get(command.charge_point)) is not None:
            lane.append(command)
            return
        self._lanes[command.charge_point] = deque([command])
        group.create_task(self._serve(command.charge_point), name=f"commands of {command.charge_point}")

    async def _serve(self, charge_point: str) -> None:
        lane = self._lanes[charge_point]
        while lane:
            command = lane[0]
            try:
                await self._run_one(command)
            except Exception:  # noqa: BLE001 - the task border: one command's trouble is not the others'
                _log.exception("command_not_run", command=str(command.command), action=command.action)
            lane.popleft()
            self._taken.discard(command.command)
        del self._lanes[charge_point]

    async def _run_one(self, command: StoredCommand) -> None:
        is_left_over = command.state is CommandState.STARTED
        if await self._commit(command, recover=is_left_over) is not CommandState.STARTED:
            return
        try:
            answer = await self._perform(
                command.charge_point,
                command.action,
                command.payload,
                lambda: self._in_time(command),
                command.command,
            )
            happened: Happening = answer_of(answer)
        except GarduEdgeError as error:
            happened = Failed(error_of(error))
        except Exception as error:  # noqa: BLE001 - the task border of somebody else's function
            _log.exception("command_failed", command=str(command.command), action=command.action)
            happened = Failed(error_of(error))
        await self._finish(command, happened)

    async def _reconcile(self, command: StoredCommand) -> None:
        """Wait for the effect of a command that a crash left under way; without one nobody can tell."""
        seen = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience_s):
                while not (seen := await self._took_effect(command)):  # noqa: ASYNC110 - the store has no bell
                    await asyncio.sleep(LOOK_S)
        await self._durably(lambda tx: self._move(tx, command, EffectSeen() if seen else Recovered(in_time=False)))

    async def _took_effect(self, command: StoredCommand) -> bool:
        try:
            return await self._readers.run(lambda connection: commands.has_taken_effect(connection, command.command))
        except sqlite3.Error as error:
            _log.warning("effect_not_looked_for", error=str(error))
            return False

    async def _finish(self, command: StoredCommand, happened: Happening) -> None:
        """Store what came of a call; whatever that is, the command does not stay STARTED."""
        try:
            await self._durably(lambda tx: self._move(tx, command, happened))
        except Exception as error:  # noqa: BLE001 - what a charge point says must not keep its command from ending
            _log.exception("result_not_kept", command=str(command.command), action=command.action)
            instead = unusable(f"What came of the call could not be kept ({type(error).__name__}).")
            await self._durably(lambda tx: self._move(tx, command, instead))

    async def _commit(self, command: StoredCommand, *, recover: bool) -> CommandState | None:
        return await self._durably(lambda tx: self._begin(tx, command, recover=recover))

    def _begin(self, tx: WriteTx, command: StoredCommand, *, recover: bool) -> CommandState | None:
        """Write STARTED, or that it will not be; returns what stands then."""
        in_time = self._in_time(command)
        stored = commands.find(tx.connection, command.command)
        if stored is None or stored.state is not command.state:
            return None  # taken back, or finished, since it was read
        return self._move(tx, stored, Recovered(in_time) if recover else StartAsked(in_time))

    def _move(self, tx: WriteTx, command: StoredCommand, happened: Happening) -> CommandState | None:
        stored = commands.find(tx.connection, command.command)
        if stored is None:
            return None
        wanted = step(stored.state, stored.action, happened)
        if wanted is None:
            return stored.state
        now = self._clock.now()
        commands.record(tx, stored.command, wanted.state, now, answer=wanted.answer, error=wanted.error)
        return wanted.state

    async def _durably(self, operation: Callable[[WriteTx], CommandState | None]) -> CommandState | None:
        """Commit, however long the store needs to come back: the result of a call must not be forgotten."""
        while True:
            try:
                return await self._writer.run(operation)
            except StoreUnavailableError:
                await asyncio.sleep(self._store_retry_s)

    def _in_time(self, command: StoredCommand) -> bool:
        deadline = Deadline(command.boot_id, command.deadline_boottime)
        return deadline.is_ahead(self._clock.boot_id, self._clock.boottime())
