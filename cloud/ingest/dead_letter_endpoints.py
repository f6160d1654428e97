"""`/api/v1/dead-letters`: events that could not be applied, and applying them again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from cloud.auth.dependencies import Operator
from cloud.clock import Now
from cloud.db.dependencies import TheDatabase
from cloud.db.paging import DEFAULT_LIMIT, After, Limit, decode_key, encode_key
from cloud.ingest import repository
from cloud.ingest.schemas import DEAD_LETTER_KEY, DeadLetter, DeadLetterFilter, Redrive
from cloud.ingest.service.redriving import dead_letters, redrive
from cloud.models.received import Appliers
from contract.resources import Page
from contract.streams import Stream

MOST_AT_ONCE = 1_000

router = APIRouter(prefix="/api/v1/dead-letters", tags=["link"])

Type = Annotated[str | None, Query(alias="type", description="Name and version, for example TransactionStarted.v1.")]
Behind = Annotated[
    str | None, Query(description="`next_cursor` of the redrive before; without it from the first dead letter.")
]
AtMost = Annotated[int, Query(ge=1, le=MOST_AT_ONCE, description="Dead letters that this request tries.")]


def _wanted(site: str | None = None, stream: Stream | None = None, kind: Type = None) -> DeadLetterFilter:
    return DeadLetterFilter(site, stream, kind)


async def _late_appliers_of(request: Request) -> Appliers:
    appliers: Appliers = request.app.state.late_appliers
    return appliers


Wanted = Annotated[DeadLetterFilter, Depends(_wanted)]


@router.get("")
def get_dead_letters(
    _operator: Operator, database: TheDatabase, wanted: Wanted, cursor: After = None, limit: Limit = DEFAULT_LIMIT
) -> Page[DeadLetter]:
    """Events that could not be applied, with the reason, by site, epoch, stream and number."""
    with database.read() as unit:
        return dead_letters(unit, wanted, decode_key(cursor, DEAD_LETTER_KEY), limit)


@router.post("/redrive")
def post_redrive(
    *,
    _operator: Operator,
    database: TheDatabase,
    wanted: Wanted,
    appliers: Annotated[Appliers, Depends(_late_appliers_of)],
    now: Now,
    cursor: Behind = None,
    limit: AtMost = MOST_AT_ONCE,
) -> Redrive:
    """Apply dead letters again, for example after an upgrade. Sending it twice does no harm."""
    after = decode_key(cursor, DEAD_LETTER_KEY)
    outcomes = list(redrive(database, wanted, appliers, now, after=after, limit=limit))
    applied = sum(outcome.reason is None for outcome in outcomes)
    last = outcomes[-1].key if outcomes else after
    with database.read() as unit:
        left = repository.count_dead_letters(unit, wanted, last)
    return Redrive(
        applied=applied,
        refused=len(outcomes) - applied,
        left=left,
        next_cursor=encode_key(last) if left and last else None,
    )
