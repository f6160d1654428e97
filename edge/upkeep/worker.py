"""The worker: looks what is due, visits each connected charge point, and does its tasks one after another.

Tasks lie in the store until they are done. A charge point that goes away keeps its tasks until it comes
back; so does an edge that was killed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

import structlog

from edge.domain.alarms import AlarmKind
from edge.errors import CallFailedError, CallTimeoutError, NotConnectedError, StoreUnavailableError, TooLateError
from edge.operations.caller import Caller
from edge.store import alarms, charge_points, upkeep_tasks
from edge.store.upkeep_tasks import EVERY, Task, TaskKind
from edge.store.writer import WriteTx
from edge.upkeep import availability, local_list, provisioning, restarting
from edge.upkeep.visit import Choices, Tools, Visit, Work

AT_ONCE = 20
"""Charge points that are visited at the same time: after a power cut all of them are due together."""
ATTEMPTS = 5
"""Failures before a task is given up until it is demanded anew, for example by the next boot."""
LONGEST_PAUSE = timedelta(hours=1)
ABSENT_PAUSE = timedelta(seconds=15)
"""How long a task rests whose charge point went away, or may not be asked before it is accepted."""


_log = structlog.get_logger()


def works(choices: Choices) -> dict[TaskKind, Work]:
    """Say who does which task; what the site does not want is struck out without being done."""
    chosen: dict[TaskKind, Work] = {TaskKind.AVAILABILITY: availability.reconcile}
    if choices.provision:
        chosen |= {
            TaskKind.PROBE: provisioning.probe,
            TaskKind.PROVISION: provisioning.provision,
            TaskKind.RESET: restarting.reset_when_idle,
        }
    if choices.local_lists:
        chosen |= {TaskKind.LOCAL_LIST: local_list.keep_in_step, TaskKind.CLEAR_CACHE: local_list.clear_cache}
    return chosen


class Upkeep:
    """Does what is due, until cancelled.

    Args:
        tools: what the tasks work with.
        caller: knows who is connected.
        works: who does which task.
    """

    def __init__(self, tools: Tools, caller: Caller, works: Mapping[TaskKind, Work]) -> None:
        self._tools = tools
        self._caller = caller
        self._works = works
        self._visiting: dict[str, asyncio.Task[None]] = {}
        self._room = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Look for what is due again and again."""
        try:
            while True:
                await self._look_safely()
                await asyncio.sleep(self._tools.choices.look_every_s)
        finally:
            for visiting in self._visiting.values():
                visiting.cancel()
            await asyncio.gather(*self._visiting.values(), return_exceptions=True)

    async def _look_safely(self) -> None:
        try:
            await self._look()
        except StoreUnavailableError:
            return
        except Exception:  # noqa: BLE001 - the task border: the next look may do better
            _log.exception("upkeep_look_failed")

    async def _look(self) -> None:
        due = await self._tools.readers.run(partial(upkeep_tasks.due, now=self._tools.clock.now()))
        connected = set(self._caller.connected())
        for charge_point, tasks in groupby(due, key=lambda task: task.charge_point):
            if charge_point == EVERY:
                await self._spread(list(tasks))
            elif charge_point in connected and charge_point not in self._visiting:
                self._visiting[charge_point] = asyncio.create_task(self._visit(charge_point, list(tasks)))

    async def _spread(self, tasks: list[Task]) -> None:
        """Turn tasks about all charge points into one for each."""
        now = self._tools.clock.now()
        await self._tools.writer.run(partial(_spread, tasks, now))

    async def _visit(self, identity: str, tasks: list[Task]) -> None:
        try:
            async with self._room:
                for task in tasks:
                    if not await self._attend(identity, task):
                        return
        except StoreUnavailableError:
            return
        except Exception:  # noqa: BLE001 - the task border
            _log.exception("upkeep_visit_failed", charge_point=identity)
        finally:
            del self._visiting[identity]

    async def _attend(self, identity: str, task: Task) -> bool:
        """Do one task; returns whether the next one may follow."""
        charge_point = await self._tools.readers.run(partial(charge_points.find, charge_point=identity))
        work = self._works.get(task.kind)
        if charge_point is None or work is None:
            await self._strike(task)
            return True
        try:
            later = await work(Visit(charge_point, self._tools))
        except (NotConnectedError, TooLateError):
            await self._postpone(task, ABSENT_PAUSE if identity in self._caller.connected() else timedelta(0))
            return False
        except (CallFailedError, CallTimeoutError) as error:
            await self._fail(task, str(error))
            return isinstance(error, CallFailedError)
        except StoreUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - one task's fault must not stop the others
            _log.exception("upkeep_task_failed", charge_point=identity, kind=task.kind)
            await self._fail(task, f"the edge itself failed: {type(error).__name__}")
            return True
        if later is None:
            await self._strike(task)
        else:
            await self._postpone(task, later)
        return True

    async def _strike(self, task: Task) -> None:
        await self._tools.writer.run(lambda tx: upkeep_tasks.done(tx.connection, task))

    async def _postpone(self, task: Task, later: timedelta) -> None:
        due_at = self._tools.clock.now() + later
        await self._tools.writer.run(lambda tx: upkeep_tasks.postpone(tx.connection, task, due_at, failed=False))

    async def _fail(self, task: Task, why: str) -> None:
        _log.warning(
            "upkeep_failed", charge_point=task.charge_point, kind=task.kind, attempt=task.attempts + 1, why=why
        )
        now = self._tools.clock.now()
        pause = timedelta(seconds=self._tools.choices.try_again_s) * 2**task.attempts
        await self._tools.writer.run(_failed(task, why, now, min(pause, LONGEST_PAUSE)))


def _failed(task: Task, why: str, now: datetime, pause: timedelta) -> Callable[[WriteTx], None]:
    def fail(tx: WriteTx) -> None:
        if task.attempts + 1 < ATTEMPTS:
            upkeep_tasks.postpone(tx.connection, task, now + pause, failed=True)
            return
        upkeep_tasks.done(tx.connection, task)
        if task.kind is not TaskKind.PROBE:
            detail = f"{task.kind.replace('_', ' ')}: {why}"
            alarms.raise_alarm(tx, AlarmKind.PROVISIONING_FAILED, task.charge_point, detail, now)

    return fail


def _spread(tasks: list[Task], now: datetime, tx: WriteTx) -> None:
    for task in tasks:
        upkeep_tasks.demand_everywhere(tx.connection, task.kind, now)
        upkeep_tasks.done(tx.connection, task)
