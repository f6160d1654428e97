"""Whatever order, overlap, repetition or damage the batches come in, the cloud ends with the edge's own past."""

from __future__ import annotations

from itertools import count
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from cloud.app import APPLIERS
from cloud.db.database import Database
from cloud.errors import ChainError, UnreadableBatchError
from cloud.ingest import repository
from cloud.ingest.service.body import read_batch
from cloud.ingest.service.pushing import push
from cloud.models.link import LedgerEventRow
from cloud.models.metering import MeterValueRow
from cloud.sites.service import add_site
from contract.events import AuthorizationDecided, MeterValue, MeterValuesSampled, Sample
from contract.streams import Stream
from tests.integration.cloud.edge_double import NOON, Outbox

_EVENTS = 12
_sites = count()

Damage = st.sampled_from(["none", "none", "none", "truncated", "swapped", "forked", "cut line"])
Send = st.tuples(
    st.sampled_from([Stream.LEDGER, Stream.METER]), st.integers(1, _EVENTS), st.integers(1, _EVENTS), Damage
)
Thinned = st.one_of(st.none(), st.tuples(st.integers(1, _EVENTS), st.integers(1, _EVENTS)))


def filled() -> dict[Stream, Outbox]:
    boxes = {stream: Outbox(stream) for stream in (Stream.LEDGER, Stream.METER)}
    sample = Sample(measurand="Energy.Active.Import.Register", value="1")
    for number in range(_EVENTS):
        boxes[Stream.LEDGER].add(
            AuthorizationDecided(charge_point=f"CP{number % 3}", id_tag="A", status="Accepted", reason="known")
        )
        boxes[Stream.METER].add(
            MeterValuesSampled(
                charge_point=f"CP{number % 3}",
                connector_id=1,
                transaction=uuid4(),
                values=[MeterValue(sampled_at=NOON, samples=[sample])] * (number % 3),
            )
        )
    return boxes


def damaged(body: bytes, how: str) -> bytes:
    header, *lines = body.split(b"\n")
    match how:
        case "truncated":
            lines = lines[:-1]
        case "swapped":
            lines = lines[::-1]
        case "forked":
            lines = [line.replace(b'"subject":"edge"', b'"subject":"else"') for line in lines]
        case "cut line":
            lines = [*lines[:-1], lines[-1][: len(lines[-1]) // 2]] if lines else lines
    return b"\n".join([header, *lines])


def position(database: Database, site: str, stream: Stream) -> tuple[int, bytes]:
    with database.read() as unit:
        at = repository.position(unit, site, 1, stream)
    return at.cursor, at.hash


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sends=st.lists(Send, max_size=14), thinned=Thinned)
def test_every_event_is_there_once_and_the_chain_is_the_edges_own(
    database: Database, sends: list[tuple[Stream, int, int, str]], thinned: tuple[int, int] | None
) -> None:
    site = f"site-{next(_sites)}"
    add_site(database, site, site, NOON)
    boxes = filled()
    if thinned and thinned[0] <= thinned[1]:
        boxes[Stream.METER].thin(*thinned)
    for stream, low, high, how in sends:
        box, before = boxes[stream], position(database, site, stream)
        starts = [line[0] for line in box.lines if line[0] >= low] or [box.lines[-1][0]]
        ends = [line[1] for line in box.lines if line[1] >= max(high, starts[0])] or [box.head]
        body = damaged(box.batch(site, starts[0], ends[0]), how)
        try:
            answer = push(database, site, read_batch(body), APPLIERS, NOON)
        except (ChainError, UnreadableBatchError):
            assert position(database, site, stream) == before
        else:
            assert answer.cursor >= before[0]
            if how != "forked":
                assert box.hashes[answer.cursor].hex() == answer.hash
        if position(database, site, stream)[1] != box.hashes.get(position(database, site, stream)[0]):
            assert how == "forked"  # nothing was there yet to compare with; from now on the fork is the cloud's truth
            return
    for stream, box in boxes.items():
        cursor, _ = position(database, site, stream)
        rest = next((line[0] for line in box.lines if line[1] > cursor), box.lines[-1][0])
        answer = push(database, site, read_batch(box.batch(site, rest, box.head)), APPLIERS, NOON)
        assert (answer.cursor, answer.hash) == (_EVENTS, box.hashes[_EVENTS].hex())
    with database.read() as unit:
        ledger = unit.scalars(select(LedgerEventRow.seq).where(LedgerEventRow.site_id == site)).all()
        meter = unit.scalars(select(MeterValueRow.seq).where(MeterValueRow.site_id == site)).all()
    assert sorted(ledger) == list(range(1, _EVENTS + 1))
    sent = [number for number in range(1, _EVENTS + 1) for _ in range((number - 1) % 3)]
    kept = {line[0] for line in boxes[Stream.METER].lines if line[0] == line[1]}
    present = sorted(meter)
    assert [number for number in present if number in kept] == [
        number for number in sent if number in kept and number in present
    ]
    assert set(present) >= {number for number in sent if number in kept and not _thinned(number, thinned)}
    assert len(present) == len([number for number in sent if number in set(present)])


def _thinned(number: int, thinned: tuple[int, int] | None) -> bool:
    return thinned is not None and thinned[0] <= number <= thinned[1]
