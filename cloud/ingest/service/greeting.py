"""The greeting: who is there, which epoch holds, and how far the cloud has come."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from cloud.db.database import Database, Unit
from cloud.errors import EdgeLockedError, EpochError, ForbiddenError, GarduCloudError
from cloud.ingest import pasts, repository
from cloud.ingest.schemas import Position
from cloud.ingest.service import granting
from cloud.ingest.service.comparing import compare, memory
from cloud.ingest.service.speakers import VERDICTS, Facts, Speaker, Store, Told, Verdict, recognise, was_restored
from cloud.ingest.service.transactions import known_transactions
from cloud.ingest.service.versions import agreed_version
from cloud.models.epochs import ReimagedHooks
from cloud.models.sites import EdgeEpochRow, EdgeRow
from contract.link import Cursor, Greeting, GreetingAnswer, Parting, StreamHead
from contract.streams import Stream

LARGEST_EPOCH = 2**31

_log = logging.getLogger(__name__)
_SHOW = "Show the past (an edge of this release does): the cloud then finds where it parts from its own."
_CHOOSE = "Nothing is lost meanwhile. An operator chooses the one that goes on: gardu-cloud unlock-edge."
_OUTCAST = "Take this one away. If it is the right one: restart it, then gardu-cloud unlock-edge --continues other."

Outcome = GreetingAnswer | GarduCloudError
"""An error that is returned, not raised, lets the unit of work be committed."""


def greet(database: Database, edge: str, greeting: Greeting, reimaged: ReimagedHooks, now: datetime) -> GreetingAnswer:
    """Answer a greeting; the cloud's cursors win. Who may have a new epoch is granted one.

    Args:
        database: where everything is.
        edge: who was let in.
        greeting: what it says.
        reimaged: called when an edge begins anew: on an empty disk, or restored from a backup.
        now: the time.

    Raises:
        ForbiddenError: the greeting is another edge's.
        ContractVersionError: it speaks no version of the contract that this release speaks.
        EdgeLockedError: two edges speak for this site, or an operator chose the other one.
        EpochError: its past is not the one that the cloud knows, and it does not show it.
    """
    if greeting.edge != edge:
        raise ForbiddenError(
            "The greeting names another edge than its path.", hint="An edge speaks for its own site only."
        )
    if greeting.epoch > LARGEST_EPOCH:
        raise EpochError(f"There is no epoch {greeting.epoch}.", hint="The edge's database is damaged.")
    agreed = agreed_version(greeting)
    with database.write() as unit:
        outcome = _Visit(unit, repository.lock_edge(unit, edge), greeting, reimaged, now).settle()
        if isinstance(outcome, GreetingAnswer) and greeting.directory is not None:
            repository.note_directory(unit, edge, greeting.directory, now)
    if isinstance(outcome, GarduCloudError):
        raise outcome
    return outcome.model_copy(update={"contract_version": agreed})


@dataclass(frozen=True, slots=True)
class _Visit:
    """One greeting, under the edge's row lock."""

    unit: Unit
    row: EdgeRow
    greeting: Greeting
    reimaged: ReimagedHooks
    now: datetime

    def settle(self) -> Outcome:
        life = _life(self.unit, self.row, self.greeting)
        facts = self._facts(life)
        speaker = recognise(facts)
        settle: dict[Verdict, Callable[[], Outcome]] = {
            Verdict.RESUME: self._resume,
            Verdict.BEGIN: lambda: self._grant(granting.first),
            Verdict.SUCCEED: self._succeed,
            Verdict.REMEMBER: lambda: self._grant(granting.remember),
            Verdict.COMPARE: lambda: self._compare(speaker, life, facts),
            Verdict.GREET_AGAIN: self._greet_again,
            Verdict.LOCK: lambda: self._lock(life),
            Verdict.TURN_AWAY: lambda: self._turn_away(speaker, life),
        }
        return settle[VERDICTS[speaker]]()

    def _facts(self, life: EdgeEpochRow | None) -> Facts:
        row, greeting = self.row, self.greeting
        present = self.unit.get(EdgeEpochRow, (row.site_id, row.epoch))
        return Facts(
            store=_store(row, greeting, life),
            told_epoch=greeting.epoch,
            present_epoch=row.epoch,
            locked=row.locked_at is not None,
            refused=life is not None and life.refused_at is not None,
            chosen=life is not None and life.chosen_at is not None,
            has_granted_claim=present is not None and present.claim is not None and present.claim == greeting.claim,
            never_spoke_earlier=life is not None and life.epoch == row.epoch,
            heard_under=pasts.heard_under(self.unit, row.site_id, greeting.boot_id),
            is_granted_boot=present is not None and present.boot_id == greeting.boot_id,
            past_fits=all(misfit(stream, head, self._at(stream)) is None for stream, head in greeting.streams.items()),
            asks=greeting.past is not None,
        )

    def _resume(self) -> GreetingAnswer:
        self._notice_a_restore()
        return self._answer()

    def _grant(self, grant: Callable[[Unit, EdgeRow, Greeting, datetime], None]) -> GreetingAnswer:
        self._notice_a_restore()
        grant(self.unit, self.row, self.greeting, self.now)
        return self._answer()

    def _succeed(self) -> GreetingAnswer:
        answer = self._grant(granting.succeed)
        self._begin_anew()
        return answer

    def _compare(self, speaker: Speaker, life: EdgeEpochRow | None, facts: Facts) -> Outcome:
        if self.greeting.past is None:
            misfits = (misfit(stream, head, self._at(stream)) for stream, head in self.greeting.streams.items())
            why = next((why for why in misfits if why is not None), "The pasts of this edge and of the cloud part.")
            return EpochError(why, hint=_SHOW, epoch=self.row.epoch)
        epoch = life.epoch if speaker is Speaker.CHOSEN and life is not None else self.row.epoch
        memories = [memory(self.unit, self.row.site_id, epoch, stream) for stream in Stream]
        compared = {one.stream: compare(one, self.greeting) for one in memories}
        places = {stream: place for stream, (_, place) in compared.items() if place is not None}
        if len(places) < len(compared):
            return self._answer({stream: parting for stream, (parting, _) in compared.items()})
        is_forked = any(places[one.stream].cursor < one.cursor for one in memories)
        if is_forked and facts.has_granted_claim and self._is_all_known(places):
            return self._greet_again()
        self._notice_a_restore()
        if is_forked or speaker is Speaker.CHOSEN or not facts.was_granted_the_present:
            granting.fork(self.unit, self.row, self.greeting, self.now, epoch, places)
            self._begin_anew()
        return self._answer()

    def _is_all_known(self, places: dict[Stream, Position]) -> bool:
        """Whether all that the edge shows is in the past that it went on with under the epoch that it asks for.

        Then it took that epoch long ago, and this greeting is a copy of an old one: a broker brought it twice, somebody
        repeats it. A disk that was put back has events of its own, the start of its edge at least.
        """
        return all(places[stream].cursor == head.head for stream, head in self.greeting.streams.items())

    def _begin_anew(self) -> None:
        for hook in self.reimaged:
            hook(self.unit, self.row.site_id, self.now)

    def _greet_again(self) -> EpochError:
        why = (
            f"This edge has spoken under epoch {self.row.epoch} since; the greeting is of epoch {self.greeting.epoch}."
        )
        return EpochError(why, hint=_SHOW, epoch=self.row.epoch)

    def _lock(self, life: EdgeEpochRow | None) -> EdgeLockedError:
        row, greeting = self.row, self.greeting
        epoch = greeting.epoch if life is None else life.epoch
        row.locked_at = self.now
        row.locked_why = (
            f"Two edges spoke for {row.site_id}: one under epoch {row.epoch}, which was granted last, and another "
            f"under epoch {epoch}, which was superseded. Was the edge's card copied, or an old card put back?"
        )
        who = (greeting.boot_id, greeting.software_version)
        pasts.add_conflict(self.unit, row, epoch, greeting.store_id, who, self.now)
        _log.error("edge %s is locked: %s", row.site_id, row.locked_why)
        return EdgeLockedError(row.locked_why, hint=_CHOOSE)

    def _turn_away(self, speaker: Speaker, life: EdgeEpochRow | None) -> EdgeLockedError:
        if speaker is Speaker.OUTCAST and life is not None:
            self._let_an_operator_think_again(life)
            return EdgeLockedError("An operator let another edge of this site go on.", hint=_OUTCAST)
        return EdgeLockedError(self.row.locked_why or "This edge is locked.", hint=_CHOOSE)

    def _let_an_operator_think_again(self, life: EdgeEpochRow) -> None:
        """Open a conflict, once per boot, without locking: the rightful edge may be back from a refused epoch."""
        row, greeting = self.row, self.greeting
        known = pasts.conflicts(self.unit, row.site_id)
        boots = {life.boot_id, *(one.boot_id for one in known)}
        if greeting.boot_id not in boots and all(one.settled_at is not None for one in known):
            who = (greeting.boot_id, greeting.software_version)
            pasts.add_conflict(self.unit, row, life.epoch, greeting.store_id, who, self.now)
            _log.error("an edge of %s is turned away: %s", row.site_id, pasts.TURNED_AWAY)

    def _notice_a_restore(self) -> None:
        """Become another incarnation to an edge that knows more of this one than the cloud itself.

        To this edge alone: nothing proves what it says, and the others find out for themselves.
        """
        greeting, row = self.greeting, self.row
        if greeting.incarnation != repository.incarnation(self.unit, row.site_id):
            return
        told = [Told(head.acknowledged, self._at(stream).cursor) for stream, head in greeting.streams.items()]
        if greeting.epoch < row.epoch:
            told = []  # earned under another epoch: they say nothing of the cursors of this one
        given = pasts.commands_given(self.unit, row.site_id)
        ahead = greeting.epoch > row.epoch
        number, command = greeting.last_command_number, greeting.last_command
        another = command is not None and pasts.command_of(self.unit, row.site_id, number or 0) not in {None, command}
        if ahead or was_restored(told, commands_told=number, commands_given=given, another_command=another):
            _log.warning("edge %s knows more than this database: it was restored from a backup", row.site_id)
            row.incarnation = uuid4()
            self.unit.flush()

    def _answer(self, partings: dict[Stream, Parting] | None = None) -> GreetingAnswer:
        row, greeting = self.row, self.greeting
        row.boot_id, row.software_version = greeting.boot_id, greeting.software_version
        row.greeted_at = row.last_heard_at = self.now
        if partings is None:
            pasts.note_boot(self.unit, row.site_id, greeting.boot_id, row.epoch, self.now)
        is_granted = partings is None and row.epoch > greeting.epoch
        return GreetingAnswer(
            incarnation=repository.incarnation(self.unit, row.site_id),
            epoch=row.epoch,
            server_time=self.now,
            streams={stream: _cursor(self._at(stream)) for stream in Stream},
            partings=partings,
            transactions=known_transactions(self.unit, row.site_id, row.epoch) if is_granted else [],
            highest_transaction_id=pasts.highest_transaction_id(self.unit, row.site_id) if is_granted else None,
        )

    def _at(self, stream: Stream) -> Position:
        return repository.position(self.unit, self.row.site_id, self.row.epoch, stream)


def _life(unit: Unit, row: EdgeRow, greeting: Greeting) -> EdgeEpochRow | None:
    """The epoch that a store speaks under: the newest one that it was granted and knows of, else its first."""
    granted = [one for one in pasts.lives(unit, row.site_id) if one.store_id == greeting.store_id]
    known = [one for one in granted if one.epoch <= greeting.epoch]
    return known[-1] if known else granted[0] if granted else None


def _store(row: EdgeRow, greeting: Greeting, life: EdgeEpochRow | None) -> Store:
    if row.store_id is None:
        return Store.FIRST
    if row.store_id == greeting.store_id:
        return Store.PRESENT
    return Store.NEW if life is None else Store.SUPERSEDED


def _cursor(at: Position) -> Cursor:
    return Cursor(cursor=at.cursor, hash=at.hash.hex())


def misfit(stream: Stream, head: StreamHead, position: Position) -> str | None:
    """Say why what the edge holds of a stream cannot follow the cloud's cursor; `None`: as far as is seen, it can."""
    if head.head < position.cursor:
        return f"The edge's {stream} stream ends at {head.head}, but the cloud has {position.cursor} events of it."
    if head.head == position.cursor and head.hash.lower() != position.hash.hex():
        return f"Edge and cloud have different events up to {head.head} of stream {stream}."
    return None
