"""Brings commands down: asks for what is above the highest stored number, and stores what came before anybody acts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from contract.commands import TRANSITIONS, CommandState
from contract.link import CommandItem, CommandItemKind, CommandsAnswer
from contract.operations import BY_ACTION
from edge.clock import Clock
from edge.store import commands, identity
from edge.store.commands import StoredCommand
from edge.store.readers import Readers
from edge.store.writer import Writer, WriteTx
from edge.sync.carrier import Carrier, Conflict, Refused, Unavailable

WAIT_S = 25.0
"""How long the cloud may hold an answer back; below the idle limit of usual proxies."""

LONGEST_LIFE_S = 3600.0
"""Of an operation that this release does not know."""

_OTHER_CLOUD = Conflict("The commands came from another cloud database than the one that was greeted.")


@dataclass(frozen=True, slots=True)
class Pulled:
    """What an answer brought."""

    items: int
    is_news: bool
    """Whether the highest stored number rose."""
    directory: Mapping[str, int] | None = None
    """The versions of the site's directory, by set; `None`: not told."""


class Puller:
    """One long poll per call.

    Args:
        writer: the inbox is written through it.
        readers: for the highest stored number.
        clock: its boot clock turns remaining seconds into deadlines.
        carrier: brings the items.
        wait_s: how long the cloud may wait for one.
    """

    def __init__(
        self, *, writer: Writer, readers: Readers, clock: Clock, carrier: Carrier, wait_s: float = WAIT_S
    ) -> None:
        self._writer = writer
        self._readers = readers
        self._clock = clock
        self._carrier = carrier
        self._wait_s = wait_s
        self._told: int | None = 0
        """The sum of the directory's versions that the cloud told last."""

    async def pull(self) -> Pulled | Conflict | Refused | Unavailable:
        """Ask once, and commit what came before returning."""
        own = await self._readers.run(identity.read)
        asked_at = self._clock.boottime()  # before the request: time spent on the way counts against the command
        outcome = await self._carrier.pull_commands(
            own.last_command_number,
            wait_s=self._wait_s,
            directory=self._told,
            epoch=own.epoch,
            last=own.last_command,
        )
        if not isinstance(outcome, CommandsAnswer):
            return outcome
        self._told = None if outcome.directory is None else sum(outcome.directory.values())
        if outcome.items:
            pulled = await self._writer.run(lambda tx: self._store(tx, outcome, asked_at))
        else:
            pulled = await self._still_the_same(outcome)
        return replace(pulled, directory=outcome.directory) if isinstance(pulled, Pulled) else pulled

    async def _still_the_same(self, answer: CommandsAnswer) -> Pulled | Conflict:
        known = (await self._readers.run(identity.read)).incarnation
        return Pulled(0, is_news=False) if known == answer.incarnation else _OTHER_CLOUD

    def _store(self, tx: WriteTx, answer: CommandsAnswer, asked_at: float) -> Pulled | Conflict:
        before = identity.read(tx.connection)
        if before.incarnation != answer.incarnation:
            return _OTHER_CLOUD  # the numbers of another cloud database mean nothing here
        for item in sorted(answer.items, key=lambda item: item.number):
            self._store_item(tx, item, asked_at)
            identity.remember_command_number(tx.connection, item.number, item.command)
        after = identity.read(tx.connection)
        return Pulled(len(answer.items), is_news=after.last_command_number > before.last_command_number)

    def _store_item(self, tx: WriteTx, item: CommandItem, asked_at: float) -> None:
        """Store a new command or take one back, and tell where it stands; a copy only gets told that again."""
        now = self._clock.now()
        commands.insert(tx.connection, self._received(item, asked_at), now)
        if item.kind is CommandItemKind.CANCEL:
            stored = commands.find(tx.connection, item.command)
            if stored is not None and CommandState.CANCELED in TRANSITIONS[stored.state]:
                commands.move(tx.connection, item.command, CommandState.CANCELED, now)
        commands.tell(tx, item.command, now)

    def _received(self, item: CommandItem, asked_at: float) -> StoredCommand:
        operation = BY_ACTION.get(item.action)
        longest_s = LONGEST_LIFE_S if operation is None else operation.time_to_live.total_seconds()
        remaining_s = item.remaining_s if math.isfinite(item.remaining_s) else 0.0
        return StoredCommand(
            command=item.command,
            number=item.number,
            action=item.action,
            charge_point=item.charge_point,
            payload=item.payload,
            requested_by=item.requested_by,
            state=CommandState.DELIVERED,
            boot_id=self._clock.boot_id,
            deadline_boottime=asked_at + min(remaining_s, longest_s),
        )
