"""K59: what comes of an accepted remote start, on a real store and a clock that is set."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from contract.events import RemoteStartConcluded
from edge.domain.remote_start import Outcome
from edge.operations.remote_starts import lapse
from edge.store import remote_starts as store
from edge.store.migrations import migrate
from edge.store.remote_starts import RemoteStart
from edge.store.writer import WriteTx
from tests.integration.edge.played_site import CP1, CP2, PlayedSite

COMMAND = uuid4()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PlayedSite]:
    """A site without sockets, whose clock stands until it is moved."""
    blank = tmp_path / "blank.db"
    migrate(blank)
    site = PlayedSite.create(blank, tmp_path / "edge.db")
    yield site
    site.close()


def asked(site: PlayedSite, *, connector_id: int = 1, id_tag: str = "TAG", command: UUID | None = COMMAND) -> int:
    clock = site.clock
    row = RemoteStart(
        0, CP1, connector_id, id_tag, command, Outcome.ASKED, clock.now(), clock.now(), clock.boot_id, 3600.0, None
    )
    return site.write(lambda tx: store.insert(tx.connection, row))


def accepted(site: PlayedSite, number: int, within_s: float = 90) -> None:
    due_boottime = site.clock.boottime() + within_s
    due_at = site.clock.now() + timedelta(seconds=within_s)
    site.write(lambda tx: store.agree(tx.connection, number, due_at, due_boottime))


def refused(number: int, tx: WriteTx) -> None:
    store.forget(tx.connection, number)


def sweep(site: PlayedSite, boot_id: str | None = None) -> None:
    clock = site.clock
    site.write(lambda tx: lapse(tx, boot_id or clock.boot_id, clock.boottime(), clock.now()))


def outcomes(site: PlayedSite) -> list[Outcome]:
    """Of all, oldest first."""
    return [row.outcome for row in store.page(site.connection, CP1)][::-1]


def told(site: PlayedSite) -> list[tuple[str, bool]]:
    return [(event.outcome, event.transaction is not None) for event in site.events(RemoteStartConcluded)]


def test_k59_an_accepted_remote_start_is_fulfilled_by_its_transaction(site: PlayedSite) -> None:
    accepted(site, asked(site))
    assert outcomes(site) == [Outcome.EXPECTED]
    site.later(seconds=40)
    number = site.start()
    assert [row.transaction_id for row in store.page(site.connection, CP1)] == [number]
    assert told(site) == [("Started", True)]
    [event] = site.events(RemoteStartConcluded)
    assert (event.command, event.transaction) == (COMMAND, site.transaction(number).uuid)
    site.later(hours=1)
    sweep(site)
    assert outcomes(site) == [Outcome.STARTED]
    assert len(told(site)) == 1


def test_k59_an_accepted_remote_start_without_a_transaction_is_reported_as_such(site: PlayedSite) -> None:
    accepted(site, asked(site, command=None))
    site.later(seconds=89)
    sweep(site)
    assert told(site) == []
    site.later(seconds=1)
    sweep(site)
    sweep(site)
    assert outcomes(site) == [Outcome.NO_TRANSACTION]
    assert told(site) == [("NoTransaction", False)]


@pytest.mark.parametrize(
    ("fields", "charge_point"),
    [({"connectorId": 2}, CP1), ({"idTag": "OTHER"}, CP1), ({}, CP2)],
)
def test_k59_another_transaction_fulfils_nothing(
    site: PlayedSite, fields: dict[str, object], charge_point: str
) -> None:
    accepted(site, asked(site))
    site.start(charge_point=charge_point, **fields)
    assert outcomes(site) == [Outcome.EXPECTED]


def test_the_case_of_the_id_tag_does_not_matter(site: PlayedSite) -> None:
    accepted(site, asked(site, id_tag="tag"))
    site.start(idTag="TAG")
    assert outcomes(site) == [Outcome.STARTED]


def test_one_transaction_fulfils_one_remote_start_and_its_repetition_none(site: PlayedSite) -> None:
    for _ in range(2):
        accepted(site, asked(site))
    time = site.time
    site.start(timestamp=time)
    site.start(timestamp=time)
    assert outcomes(site) == [Outcome.EXPECTED, Outcome.STARTED]


def test_a_start_that_overtakes_the_answer_counts(site: PlayedSite) -> None:
    number = asked(site)
    site.start()
    accepted(site, number)
    assert outcomes(site) == [Outcome.STARTED]


def test_what_was_refused_is_not_expected_unless_it_began_all_the_same(site: PlayedSite) -> None:
    first, second = asked(site), asked(site, connector_id=2)
    site.start()
    for number in (first, second):
        site.write(partial(refused, number))
    assert outcomes(site) == [Outcome.STARTED]


def test_a_start_from_offline_that_began_in_time_corrects_the_report(site: PlayedSite) -> None:
    accepted(site, asked(site))
    began = site.later(seconds=30)
    site.later(hours=5)
    sweep(site)
    site.start(timestamp=began)
    assert outcomes(site) == [Outcome.STARTED]
    assert told(site) == [("NoTransaction", False), ("Started", True)]


def test_a_start_hours_later_is_a_new_one(site: PlayedSite) -> None:
    accepted(site, asked(site))
    site.later(hours=5)
    sweep(site)
    site.start()
    assert told(site) == [("NoTransaction", False)]


def test_after_a_restart_of_the_machine_nobody_waits_on(site: PlayedSite) -> None:
    accepted(site, asked(site))
    asked(site, connector_id=2)
    sweep(site, boot_id="another boot")
    assert outcomes(site) == [Outcome.NO_TRANSACTION]
