"""Commands on their whole way, explored: real stores and decisions of both sides, a network without manners, crashes.

Orders, cancels and expiry are the cloud's own functions. At the edge the puller, the inbox and the relay are the real
ones; the relay's tasks stand still where they call a charge point, until somebody decides that the call leaves, that it
is answered, or that nobody answers.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Generator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from types import coroutine
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from cloud.commands.schemas import Order
from cloud.commands.service.expiring import expire_late
from cloud.commands.service.ordering import cancel, create
from cloud.errors import NotCancelableError
from contract.commands import FINAL_STATES, CommandState
from contract.events import ChargePointConnected
from contract.operations import BY_ACTION
from edge.errors import CallTimeoutError, GarduEdgeError, TooLateError
from edge.relay.lifecycle import SHOWS_ITS_EFFECT, Deadline, EffectSeen, Recovered, hold_s
from edge.relay.relay import OFFLINE_PATIENCE_S, Relay
from edge.store import commands
from edge.store.commands import StoredCommand
from edge.sync.pushing import Turns
from tests.faults.network import Network
from tests.faults.whole_link import BEGIN, SITE, EdgeSide

CHARGE_POINTS = ("CP-0", "CP-1")
ACTIONS = ("RemoteStartTransaction", "Reset", "DataTransfer", "UnlockConnector", "ClearCache")
AGREED = {"status": "Accepted"}
NOTHING_WAS_DONE = {CommandState.EXPIRED, CommandState.CANCELED}


class Leave:
    """Said to a call that stands still: write to the socket now."""


@coroutine
def _stand_still() -> Generator[None, Any, Any]:
    return (yield None)


@dataclass
class Running:
    """A command that the relay has in its hands."""

    command: StoredCommand
    working: Coroutine[Any, Any, None]
    has_left: bool = False


@dataclass
class CommandedEdge(EdgeSide):
    """An edge with its relay; its charge points remember every call."""

    called: dict[UUID, list[float]] = field(default_factory=lambda: defaultdict(list))
    """When each command's call reached its charge point; what the process forgets, this does not."""

    def start(self) -> None:
        super().start()
        self.relay = Relay(
            writer=self.store,  # type: ignore[arg-type]
            readers=self.reading,  # type: ignore[arg-type]
            clock=self.clock,
            perform=self._perform,
        )
        self.pusher._turns = Turns(another_life=self.relay.forsake, agreed=self.relay.go_on)
        started = commands.in_state(self.connection, CommandState.STARTED)
        self.to_reconcile = [one for one in started if one.action in SHOWS_ITS_EFFECT]
        held = [one for one in started if one.action not in SHOWS_ITS_EFFECT]
        held += commands.in_state(self.connection, CommandState.DELIVERED)
        self.held = {one.command: (one, self.clock.seconds + self._hold_s(one)) for one in held}
        self.relay._held = set(self.held)
        self.free: list[StoredCommand] = []
        """From before the start, and no longer held."""
        self.running: list[Running] = []

    def _hold_s(self, one: StoredCommand) -> float:
        deadline = Deadline(one.boot_id, one.deadline_boottime)
        boot_id, now = self.clock.boot_id, self.clock.boottime()
        return hold_s(one.state, one.action, deadline, boot_id, now, OFFLINE_PATIENCE_S)

    def crash(self) -> None:
        for one in self.running:
            one.working.close()
        super().crash()

    async def _perform(
        self, _charge_point: str, _action: str, _payload: dict[str, Any], may_send: Callable[[], bool], command: UUID
    ) -> dict[str, Any]:
        await _stand_still()
        if not may_send():
            raise TooLateError("too late")
        self.called[command].append(self.clock.seconds)
        answer: dict[str, Any] | GarduEdgeError = await _stand_still()
        if isinstance(answer, GarduEdgeError):
            raise answer
        return answer

    def waiting(self) -> list[StoredCommand]:
        """What may be taken now, as the relay takes it: one of each charge point, oldest first."""
        self._let_go()
        busy = {one.command.charge_point for one in self.running}
        found = dict[str, StoredCommand]()
        for one in [*self.free, *commands.in_state(self.connection, CommandState.DELIVERED)]:
            if one.command not in self.held and one.charge_point not in busy:
                found.setdefault(one.charge_point, one)
        return list(found.values())

    def _let_go(self) -> None:
        """Hold nothing longer than until the cloud has agreed, or it is not worth it."""
        agreed = self.relay._agreed.is_set()
        for one, until in list(self.held.values()):
            if agreed or self.clock.seconds >= until:
                del self.held[one.command]
                self.free.append(one)
        self.relay._held = set(self.held)

    def take(self, command: StoredCommand) -> None:
        self.free = [one for one in self.free if one.command != command.command]
        running = Running(command, self.relay._run_one(command))
        self.running.append(running)
        self._resume(running, None)

    def leave(self, running: Running) -> None:
        """Let the call go out, if it still may."""
        running.has_left = True
        self._resume(running, Leave())

    def answered(self, running: Running, answer: dict[str, Any] | GarduEdgeError) -> None:
        self._resume(running, answer)

    def _resume(self, running: Running, what: Any) -> None:
        try:
            running.working.send(what)
        except StopIteration:
            self.running.remove(running)

    def reconcile(self, command: StoredCommand, *, seen: bool) -> None:
        """The effect of a command from before a crash was seen, or has not come in time."""
        self.to_reconcile.remove(command)
        happened = EffectSeen() if seen else Recovered(in_time=False)
        self.store.commit(lambda tx: self.relay._move(tx, command, happened))


class CommandLink(Network[CommandedEdge]):
    """Who orders, a cloud, a network that reorders, repeats and loses, an edge, charge points."""

    @initialize()
    def switch_on(self) -> None:
        self.connect(CommandedEdge)
        self.ordered: dict[UUID, tuple[str, float]] = {}
        """Each command's action, and when it must have left."""
        self.crashes = 0
        for charge_point in CHARGE_POINTS:
            told = ChargePointConnected(charge_point=charge_point, remote_address="127.0.0.1")
            self.edge.store.commit(lambda tx, told=told: tx.emit(told, subject="edge", occurred_at=BEGIN))  # type: ignore[misc]
        self.settle(rounds=8)

    @rule(action=st.sampled_from(ACTIONS), charge_point=st.sampled_from(CHARGE_POINTS))
    def somebody_orders(self, action: str, charge_point: str) -> None:
        order = Order(SITE, charge_point, action, {}, "judge")
        command = create(self.cloud.database, order, self.edge.clock.machine())
        lives_s = BY_ACTION[action].time_to_live.total_seconds()
        self.ordered[command] = (action, self.edge.clock.seconds + lives_s)

    @precondition(lambda self: self.ordered)
    @rule(data=st.data())
    def somebody_takes_one_back(self, data: st.DataObject) -> None:
        with suppress(NotCancelableError):
            cancel(self.cloud.database, data.draw(st.sampled_from(list(self.ordered))), self.edge.clock.machine())

    @rule()
    def cloud_looks_for_late_ones(self) -> None:
        expire_late(self.cloud.database, self.edge.clock.machine())

    @rule(times=st.integers(1, 3))
    def edge_acts(self, times: int) -> None:
        for _ in range(times):
            self.edge.act()
        self.edge.poll()

    @precondition(lambda self: self.edge.waiting())
    @rule(data=st.data())
    def relay_takes_one(self, data: st.DataObject) -> None:
        self.edge.take(data.draw(st.sampled_from(self.edge.waiting())))

    @precondition(lambda self: any(not one.has_left for one in self.edge.running))
    @rule(data=st.data())
    def call_leaves(self, data: st.DataObject) -> None:
        self.edge.leave(data.draw(st.sampled_from([one for one in self.edge.running if not one.has_left])))

    @precondition(lambda self: any(one.has_left for one in self.edge.running))
    @rule(data=st.data(), answer=st.sampled_from([AGREED, {"status": "Rejected"}, {}, CallTimeoutError("silence")]))
    def call_is_answered(self, data: st.DataObject, answer: Any) -> None:
        running = data.draw(st.sampled_from([one for one in self.edge.running if one.has_left]))
        self.edge.answered(running, answer)

    @precondition(lambda self: self.edge.to_reconcile)
    @rule(data=st.data(), seen=st.booleans())
    def effect_shows_or_not(self, data: st.DataObject, seen: bool) -> None:  # noqa: FBT001
        command = data.draw(st.sampled_from(self.edge.to_reconcile))
        self.edge.reconcile(command, seen=seen and command.command in self.edge.called)

    @rule(seconds=st.sampled_from([0.5, 5.0, 45.0, 400.0, 4_000.0]))
    def time_passes(self, seconds: float) -> None:
        self.edge.clock.seconds += seconds

    @rule()
    def all_goes_well_for_a_while(self) -> None:
        self.settle(rounds=6)

    @rule(reboots=st.booleans())
    def edge_crashes(self, reboots: bool) -> None:  # noqa: FBT001
        self.edge.crash()
        self.crashes += 1
        if reboots:
            self.edge.clock.boot_id = f"boot {self.crashes}"
        self.edge.start()

    @invariant()
    def none_runs_twice_or_late(self) -> None:
        if not hasattr(self, "ordered"):
            return
        for command, times in self.edge.called.items():
            action, deadline = self.ordered[command]
            assert len(times) == 1 or BY_ACTION[action].safe_to_repeat, f"{action} ran twice"
            assert len(times) <= 1 + self.crashes, f"{action} was repeated without a crash"
            assert max(times) < deadline, f"{action} ran late"

    def settle(self, rounds: int) -> None:
        """Everything arrives, in order, and charge points answer."""
        for _ in range(rounds):
            self.edge.poll()
            self.everything_arrives()
            for running in list(self.edge.running):
                if not running.has_left:
                    self.edge.leave(running)
                if running in self.edge.running:
                    self.edge.answered(running, AGREED)
            for command in self.edge.waiting():
                self.edge.take(command)
            wait = self.edge.act()
            if wait is not None and wait.until is not None:
                self.edge.clock.seconds = max(self.edge.clock.seconds, wait.until)

    def teardown(self) -> None:
        if not hasattr(self, "ordered"):
            return
        try:
            self.settle(rounds=30)
            for command in list(self.edge.to_reconcile):
                self.edge.reconcile(command, seen=False)
            self.edge.clock.seconds += 4_000.0
            self.settle(rounds=30)
            expire_late(self.cloud.database, self.edge.clock.machine())
            self.settle(rounds=10)
            self.none_runs_twice_or_late()
            self.all_have_ended()
        finally:
            self.disconnect()

    def all_have_ended(self) -> None:
        """Both sides tell the same end, and it agrees with what the charge points saw."""
        with closing(sqlite3.connect(self.folder / "cloud.db")) as cloud:
            rows = cloud.execute("SELECT command, state FROM command").fetchall()
        told = {UUID(str(command)): CommandState(state) for command, state in rows}
        assert set(told) == set(self.ordered)
        unfinished = Counter(state for state in told.values() if state not in FINAL_STATES)
        assert not unfinished, unfinished
        for command, state in told.items():
            stored = commands.find(self.edge.connection, command)
            assert stored is None or stored.state is state, f"the cloud tells {state}, the edge {stored.state}"
            assert state not in NOTHING_WAS_DONE or command not in self.edge.called, f"{state}, and was called"
            assert state is not CommandState.SUCCEEDED or command in self.edge.called, "nothing was called"
