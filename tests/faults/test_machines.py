"""The link's decisions in orders that chance chooses: reordering, repetition, loss, crashes, restores of both sides.

`LinkMachine` and `CommandMachine` of the unit tests explore the decisions alone; `WholeLink` has the real stores of
both sides below them. `make faults` takes 100,000 steps.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cloud.db.database import Database
from cloud.db.schema import migrate as migrate_cloud
from cloud.ingest.service.incarnation import become_another
from cloud.sites.service import add_site
from contract.streams import Stream
from edge.store import outbox, retention
from edge.store.migrations import migrate as migrate_edge
from edge.sync.link import LinkState
from tests.faults.command_link import CommandLink
from tests.faults.conftest import Scale
from tests.faults.figures import Figures
from tests.faults.network import Network
from tests.faults.recorded import Book, a_draft
from tests.faults.whole_link import BEGIN, SITE, EdgeSide, Hands
from tests.unit.edge_link.test_delivery_machine import LinkMachine
from tests.unit.edge_link.test_lifecycle import CommandMachine

pytestmark = pytest.mark.timeout(14_400)

STEPS_OF_A_RUN = 50
taken: Counter[str] = Counter()
"""Steps, by machine."""
AN_HOUR = timedelta(hours=1)
SMALL_SLICE = 8
"""Events that one step of the edge's housekeeping removes here."""


class WholeLink(Network[EdgeSide]):
    """An edge's disk, its process, a network without manners, the cloud's database and its process."""

    @initialize()
    def switch_on(self) -> None:
        self.connect(EdgeSide)
        self.recorded = 0
        self.book = self.book_of_the_backup = Book()
        self.life = self.boots = 0
        self.most = dict.fromkeys(Stream, 0)
        """The highest cursor that the cloud ever committed for this disk."""
        self.seen: dict[tuple[int, int, str], int] = {}

    @rule(stream=st.sampled_from(list(Stream)), count=st.sampled_from([1, 3, 30]))
    def edge_records(self, stream: Stream, count: int) -> None:
        self.record(stream, count)

    @rule(stream=st.sampled_from(list(Stream)), bad=st.sampled_from(["envelope", "data"]))
    def edge_records_what_the_cloud_cannot_take(self, stream: Stream, bad: str) -> None:
        self.record(stream, 1, bad)
        if bad == "data":
            self.book.bad.add(self.recorded)

    def record(self, stream: Stream, count: int, bad: str | None = None) -> None:
        head = outbox.heads(self.edge.connection)[stream].head
        numbers = range(self.recorded + 1, self.recorded + 1 + count)
        self.recorded += count
        self.book.places |= {number: (stream, seq) for seq, number in enumerate(numbers, head + 1)}

        def write(tx: Any) -> None:
            for number in numbers:
                tx.emit_draft(a_draft(stream, number, bad))

        self.edge.store.commit(write)

    @rule(drops=st.booleans())
    def edge_thins_or_drops(self, *, drops: bool) -> None:
        later = self.edge.clock.machine() + AN_HOUR
        self.edge.store.commit(
            lambda tx: retention.drop_oldest(tx.connection) if drops else retention.thin_oldest(tx.connection, later)
        )

    @rule(stream=st.sampled_from(list(Stream)))
    def edge_prunes(self, stream: Stream) -> None:
        now = self.edge.clock.machine()
        self.edge.store.commit(lambda tx: retention.prune_acknowledged(tx.connection, stream, now + AN_HOUR, now))

    @rule(times=st.integers(1, 4))
    def edge_acts(self, times: int) -> None:
        for _ in range(times):
            if self.edge.act() is not None:
                break

    @rule()
    def edge_polls(self) -> None:
        self.edge.poll()

    def serve(self, body: Any) -> Any:
        answer = super().serve(body)
        self.note_cursors()
        return answer

    @rule(seconds=st.sampled_from([0.5, 5.0, 400.0]))
    def time_passes(self, seconds: float) -> None:
        self.edge.clock.seconds += seconds

    @rule()
    def all_goes_well_for_a_while(self) -> None:
        self.settle(rounds=8)

    @rule()
    def edge_crashes(self) -> None:
        self.edge.crash()
        self.edge.start()

    @rule()
    def edge_is_reimaged(self) -> None:
        self.edge.crash()
        for file in self.folder.glob("edge.db*"):
            file.unlink()
        self.life += 1
        put_a_fresh_one(self.templates / "edge.db", self.folder / "edge.db", self.life)
        self.edge.start()
        self.old.clear()  # the voice of an older life, once a newer one has spoken, would lock this edge
        (self.folder / "disk.db").unlink(missing_ok=True)  # so would its disk: then a person chooses (test_restored)
        self.most = dict.fromkeys(Stream, 0)
        self.book = Book(bad=self.book.bad)

    @rule()
    def edge_is_backed_up(self) -> None:
        copy(self.folder / "edge.db", self.folder / "disk.db")
        self.book_of_the_backup = self.book.as_it_was()

    @precondition(lambda self: (self.folder / "disk.db").exists())
    @rule(reboots=st.booleans())
    def edge_is_restored(self, *, reboots: bool) -> None:
        self.edge.crash()
        for file in self.folder.glob("edge.db*"):
            file.unlink()
        copy(self.folder / "disk.db", self.folder / "edge.db")
        self.book = self.book_of_the_backup.as_it_was()
        boot_id, self.edge.clock = self.edge.clock.boot_id, Hands()
        if reboots:  # the same old backup may come back on one boot of the machine after the other
            self.boots += 1
            boot_id = f"boot {self.boots}"
        self.edge.clock.boot_id = boot_id  # no machine goes back to a boot before the last one
        self.edge.start()
        self.old.clear()

    @rule()
    def cloud_is_backed_up(self) -> None:
        copy(self.folder / "cloud.db", self.folder / "backup.db")

    @precondition(lambda self: (self.folder / "backup.db").exists())
    @rule(said=st.booleans())
    def cloud_is_restored(self, *, said: bool) -> None:
        self.cloud.stop()
        for file in self.folder.glob("cloud.db*"):
            file.unlink()
        copy(self.folder / "backup.db", self.folder / "cloud.db")
        self.cloud.start()
        if said:  # otherwise an edge notices it
            become_another(self.cloud.database)
        self.cloud.incarnations += 1
        self.note_cursors()

    def note_cursors(self) -> None:
        """Within an epoch of one incarnation a cursor never goes back."""
        with closing(sqlite3.connect(self.folder / "cloud.db")) as cloud:
            rows = cloud.execute("SELECT epoch, stream, cursor FROM stream_cursor").fetchall()
            (present,) = cloud.execute("SELECT epoch FROM edge").fetchone()
        for epoch, stream, cursor in rows:
            key = (self.cloud.incarnations, epoch, stream)
            assert cursor >= self.seen.get(key, 0), f"the cursor went back: {key}"
            self.seen[key] = cursor
            if epoch == present:
                self.most[Stream(stream)] = max(self.most[Stream(stream)], cursor)

    @invariant()
    def acknowledged_is_what_was_committed(self) -> None:
        taken[type(self).__name__] += 1
        if hasattr(self, "edge"):
            for stream, head in outbox.heads(self.edge.connection).items():
                assert head.acknowledged <= self.most[stream]

    def settle(self, rounds: int) -> None:
        """Everything arrives, in order."""
        for _ in range(rounds):
            self.edge.poll()
            self.everything_arrives()
            while (wait := self.edge.act()) is None:
                pass
            if wait.until is not None:
                self.edge.clock.seconds = max(self.edge.clock.seconds, wait.until)

    def teardown(self) -> None:
        if not hasattr(self, "edge"):
            return
        try:
            self.record(Stream.STATE, 1)  # whoever has nothing to say does not notice that the cloud was restored
            for _ in range(60):
                self.settle(rounds=5)
                if self.is_quiet():
                    break
            self.all_has_arrived()
        finally:
            self.disconnect()

    def is_quiet(self) -> bool:
        heads = outbox.heads(self.edge.connection).values()
        return self.edge.delivery.state is LinkState.READY and all(one.acknowledged == one.head for one in heads)

    def all_has_arrived(self) -> None:
        assert self.edge.delivery.state is LinkState.READY, self.edge.delivery.error
        heads = outbox.heads(self.edge.connection)
        assert {stream: head.acknowledged for stream, head in heads.items()} == {
            stream: head.head for stream, head in heads.items()
        }
        rows = self.edge.connection.execute("SELECT event FROM outbox WHERE stream = 'ledger'")
        with closing(sqlite3.connect(self.folder / "cloud.db")) as cloud:
            self.book.check(cloud)
            there = {bytes(raw) for (raw,) in cloud.execute("SELECT raw FROM ledger_event")}
        self.book.check_bytes([bytes(row["event"]) for row in rows], there)


def copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as before, closing(sqlite3.connect(target)) as after:
        before.backup(after)


def put_a_fresh_one(template: Path, target: Path, number: int) -> None:
    """Copy the template, but for its name: a fresh database is another store."""
    shutil.copy(template, target)
    with closing(sqlite3.connect(target, isolation_level=None)) as fresh:
        fresh.execute("UPDATE identity SET store_id = ?", (f"a3bb189e-8bf9-4888-8912-{number:012d}",))
        fresh.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("templates")
    migrate_edge(folder / "edge.db")
    database = Database(f"sqlite:///{folder / 'cloud.db'}")
    migrate_cloud(database)
    add_site(database, SITE, "North", BEGIN)
    database.close()
    for name in ("edge.db", "cloud.db"):
        with closing(sqlite3.connect(folder / name)) as file:
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder


class CountedLink(LinkMachine):
    @invariant()
    def count(self) -> None:
        taken[type(self).__name__] += 1


class CountedCommands(CommandLink):
    @invariant()
    def count(self) -> None:
        taken[type(self).__name__] += 1


class CountedCommand(CommandMachine):
    @invariant()
    def count(self) -> None:
        taken[type(self).__name__] += 1


def explored(machine: type[RuleBasedStateMachine], share: int, part: str) -> Any:
    """One of the machines, and how large its part of all steps is."""
    return pytest.param(machine, share, marks=pytest.mark.measures("explored", part), id=machine.__name__)


@pytest.mark.parametrize(
    ("machine", "share"),
    [
        explored(WholeLink, 4, "link with both stores"),
        explored(CountedLink, 4, "link"),
        explored(CountedCommands, 4, "commands with both stores"),
        explored(CountedCommand, 2, "command"),
    ],
)
def test_whatever_the_order_the_link_keeps_its_word(
    machine: type[RuleBasedStateMachine],
    share: int,
    templates: Path,
    scale: Scale,
    figures: Figures,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    WholeLink.templates = CommandLink.templates = templates
    monkeypatch.setattr(retention, "SLICE", SMALL_SLICE)
    monkeypatch.setattr(retention, "LONGEST_RANGE", 3 * SMALL_SLICE)
    taken.clear()
    runs = scale.pick(8, 260) * share
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=runs,
            stateful_step_count=STEPS_OF_A_RUN,
            deadline=None,
            database=None,
            phases=list(Phase) if scale.full else [Phase.explicit, Phase.generate],  # shrinking takes minutes
            derandomize=not scale.full,  # the short form walks the same ways each time; the full one finds new ones
            suppress_health_check=list(HealthCheck),
        ),
    )
    figures.record(runs=runs, steps=taken[machine.__name__])
