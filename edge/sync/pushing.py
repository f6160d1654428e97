"""Carries out what `delivery` decides: greetings, batches and set-asides, between the outbox and the carrier."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from uuid import uuid4

import structlog

from contract.batch import MAX_BATCH_BYTES
from contract.directory import AppliedSet
from contract.link import CONTRACT_VERSION, Greeting, GreetingAnswer, PushAnswer
from contract.streams import Stream
from contract.versions import SPOKEN
from edge.clock import Clock
from edge.errors import StoreUnavailableError
from edge.operations import told_by_the_cloud
from edge.store import directory, identity, outbox, pasts, transaction_changes
from edge.store.identity import Identity
from edge.store.readers import Readers
from edge.store.writer import Writer, WriteTx
from edge.sync.batches import Batches
from edge.sync.carrier import Carrier, EventRefused, Unavailable
from edge.sync.delivery import Delivery
from edge.sync.link import Acknowledge, Greet, Prepare, Push, SetAside, Span

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Edge:
    """Who speaks."""

    name: str
    software_version: str


@dataclass(frozen=True, slots=True)
class Turns:
    """Who is told how a greeting ended, as far as it concerns more than the link."""

    another_life: Callable[[WriteTx], None] = lambda _: None
    """Called in the transaction that takes a granted epoch: this database is not the edge's newest life any more."""
    agreed: Callable[[], None] = lambda: None
    """Called once that, or that nothing has changed, is committed."""


class Pusher:
    """One exchange per call; each ends by telling `delivery` how it went, whatever happens.

    Args:
        edge: who speaks.
        writer: remembers cursors.
        readers: read the outbox beside the writer.
        clock: the machine's clocks.
        carrier: brings it to the cloud.
        delivery: is told the results.
        who: the identity row as it was at the start.
        turns: told how greetings end.
        on_settled: called when `delivery` may have something new to decide before an exchange has come to its end.
    """

    def __init__(
        self,
        *,
        edge: Edge,
        writer: Writer,
        readers: Readers,
        clock: Clock,
        carrier: Carrier,
        delivery: Delivery,
        who: Identity,
        turns: Turns,
        on_settled: Callable[[], None] = lambda: None,
    ) -> None:
        self._turns = turns
        self._on_settled = on_settled
        self._batches = Batches(edge=edge.name, readers=readers, own_hash=self._own_hash)
        self._edge = edge
        self._writer = writer
        self._readers = readers
        self._clock = clock
        self._carrier = carrier
        self._delivery = delivery
        self._who = who
        self._cloud_takes = MAX_BATCH_BYTES
        self._taken_over: dict[Stream, tuple[int, bytes]] = {}
        """Cursors of the cloud that lie where events were removed here, with its hash: there is none of ours."""

    async def carry_out(self, action: Greet | Push | Prepare | SetAside) -> bool:
        """Do it, and tell `delivery`; returns whether the cloud answered with a yes."""
        try:
            match action:
                case Greet():
                    return await self._greet(action)
                case Push():
                    return await self._push(action)
                case Prepare():
                    await self._batches.prepare(action, self._who.epoch)
                    return False
                case SetAside():
                    return await self._set_aside(action)
        except (StoreUnavailableError, sqlite3.Error) as error:
            self._give_up(action, f"The edge's own store failed: {error}")
        except Exception as error:  # noqa: BLE001 - the task border: the link must never take the edge down
            _log.exception("link_exchange_broke", action=type(action).__name__)
            self._give_up(action, f"The edge failed to carry out {type(action).__name__}: {type(error).__name__}")
        return False

    async def _greet(self, action: Greet) -> bool:
        self._batches.forget(*Stream)
        if action.compare is not None and self._who.claim is None:
            claimed = await self._writer.run(lambda tx: identity.claim(tx.connection, uuid4()))
            self._who = replace(self._who, claim=claimed)
        greeting = await self._readers.run(lambda connection: self._greeting(connection, action.compare))
        outcome = await self._carrier.greet(greeting)
        if not isinstance(outcome, GreetingAnswer):
            self._delivery.greeting_failed(action.ticket, outcome, self._now())
            return False
        self._cloud_takes = outcome.max_batch_bytes
        await self._writer.run(lambda tx: identity.meet_incarnation(tx.connection, outcome.incarnation))
        own = await self._readers.run(lambda connection: self._compared(connection, outcome))
        cursors = self._delivery.greeted(action.ticket, outcome, own, self._now())
        if cursors:
            await self._agree(outcome, cursors)
        return True

    async def _agree(self, answer: GreetingAnswer, cursors: list[Acknowledge]) -> None:
        """Remember where the cloud stands, and speak under its epoch, which it may have granted just now.

        If we crash before that is stored, the claim gets the same epoch once more.
        """
        before, granted = self._who, self._delivery.epoch
        self._who = replace(before, epoch=granted, claim=None)

        def remember(tx: WriteTx) -> None:
            for one in cursors:
                outbox.stand_at(tx.connection, one.stream, one.cursor, one.hash)
            if self._who != before:
                identity.take_epoch(tx.connection, granted)
            if granted != before.epoch:
                self._turns.another_life(tx)
            told_by_the_cloud.take_over(tx, answer.transactions, self._clock.now())
            transaction_changes.continue_above(tx.connection, answer.highest_transaction_id)

        try:
            await self._writer.run(remember)
        except BaseException:
            self._who = before  # the next batch is refused, and the next greeting is answered the same
            raise
        self._turns.agreed()
        if granted != before.epoch:
            _log.warning("epoch_taken", epoch=granted, before=before.epoch, transactions=len(answer.transactions))

    async def _push(self, action: Push) -> bool:
        batch = await self._batches.get(action, self._who.epoch)
        if batch is None:
            why = f"The outbox does not hold what follows event {action.after} of stream {action.stream}."
            self._delivery.push_failed(action.ticket, Unavailable(why, lost=False), self._now())
            return False
        if batch.events == 1 and batch.size > self._cloud_takes:  # alone, and still too large: it never will be
            why = f"larger than the cloud takes: {batch.size} bytes"
            self._delivery.push_failed(action.ticket, EventRefused(action.after + 1, why), self._now())
            return False
        self._delivery.put_together(action.ticket, batch.last)
        self._on_settled()
        outcome = await self._carrier.push(batch.packed)
        if not isinstance(outcome, PushAnswer):
            self._batches.forget(action.stream)
            self._delivery.push_failed(action.ticket, outcome, self._now())
            return False
        own = await self._readers.run(lambda connection: self._own_hash(connection, action.stream, outcome.cursor))
        acknowledged = self._delivery.pushed(action.ticket, outcome, own, self._now())
        self._on_settled()  # the next batch need not wait until the cursor is on disk: a greeting tells it again
        await self._acknowledge([] if acknowledged is None else [acknowledged])
        return acknowledged is not None

    async def _set_aside(self, action: SetAside) -> bool:
        def put_aside(tx: WriteTx) -> bool:
            now = self._clock.now()
            return outbox.set_aside(tx.connection, action.stream, action.seq, why=action.why, now=now)

        done = await self._writer.run(put_aside)
        self._delivery.was_set_aside(action.ticket, self._now(), done=done)
        _log.error("event_set_aside", stream=action.stream.value, seq=action.seq, why=action.why, done=done)
        return False

    async def _acknowledge(self, acknowledged: list[Acknowledge]) -> None:
        """Remember cursors. If that fails or we crash before, the next greeting tells them again."""
        if not acknowledged:
            return

        def remember(tx: WriteTx) -> None:
            for one in acknowledged:
                outbox.acknowledge(tx.connection, one.stream, one.cursor, one.hash)

        await self._writer.run(remember)

    def _give_up(self, action: Greet | Push | Prepare | SetAside, why: str) -> None:
        unavailable = Unavailable(why, lost=False)
        match action:
            case Greet():
                self._delivery.greeting_failed(action.ticket, unavailable, self._now())
            case Push():
                self._delivery.push_failed(action.ticket, unavailable, self._now())
            case Prepare():
                _log.warning("batch_not_prepared", stream=action.stream.value, why=why)
            case SetAside():
                self._delivery.was_set_aside(action.ticket, self._now(), done=False)

    def _greeting(self, connection: sqlite3.Connection, compare: Mapping[Stream, Span] | None) -> Greeting:
        who = identity.read(connection)
        past = None
        if compare is not None:
            past = {stream: pasts.show(connection, stream, span.low, span.high) for stream, span in compare.items()}
        return Greeting(
            edge=self._edge.name,
            store_id=self._who.store_id,
            epoch=self._who.epoch,
            boot_id=self._clock.boot_id,
            software_version=self._edge.software_version,
            contract_version=CONTRACT_VERSION,
            contract_versions=list(SPOKEN),
            incarnation=who.incarnation,
            streams=outbox.heads(connection),
            directory=_directory(connection),
            last_command_number=who.last_command_number,
            last_command=who.last_command,
            claim=self._who.claim,
            past=past,
        )

    def _compared(self, connection: sqlite3.Connection, answer: GreetingAnswer) -> dict[Stream, bytes | None]:
        """Give our hash at each of the cloud's cursors; where ours was removed, the cloud's has to be taken over."""
        own: dict[Stream, bytes | None] = {}
        for stream, told in answer.streams.items():
            own[stream] = self._own_hash(connection, stream, told.cursor)
            if own[stream] is None and outbox.is_removed(connection, stream, told.cursor):
                own[stream] = bytes.fromhex(told.hash)
                self._taken_over[stream] = (told.cursor, bytes.fromhex(told.hash))
        return own

    def _own_hash(self, connection: sqlite3.Connection, stream: Stream, seq: int) -> bytes | None:
        own = outbox.hash_at(connection, stream, seq)
        if own is None and (taken_over := self._taken_over.get(stream)) is not None and taken_over[0] == seq:
            return taken_over[1]
        return own

    def _now(self) -> float:
        return self._clock.monotonic()


def _directory(connection: sqlite3.Connection) -> dict[str, AppliedSet]:
    """What is held of the directory: a restored edge thus tells that it holds what it held long ago."""
    return {
        name.value: AppliedSet(
            incarnation=held.incarnation,
            version=held.version,
            hash=held.hash,
            entries=held.entries,
            applied_at=held.applied_at,
        )
        for name, held in directory.all_held(connection).items()
    }
