"""What a request becomes: the answer of its exchange, or a problem document, with the status that HTTP would give."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog
from pydantic import ValidationError

from cloud.errors import BodyTooLargeError, GarduCloudError
from contract.batch import MAX_BATCH_BYTES
from contract.model import Record
from contract.mqtt import Exchange
from contract.problems import Problem

RETRY_AFTER_S = 5
MOST_BYTES = 1024 * 1024
"""Of a request, as over HTTPS."""
MOST_BYTES_OF_MANY = MAX_BATCH_BYTES + 64 * 1024
"""The same, where a request carries many things at once. A batch has its own, lower limit behind this one."""

_OF_MANY = frozenset({Exchange.EVENTS, Exchange.LIVE})

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Whose it is, the broker's access list has proven by its topic."""

    edge: str
    body: bytes
    encoding: str | None = None
    """`gzip`, or `None`."""
    token: str | None = None
    """What the edge signed for this request; `None`: nothing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer."""

    status: int
    body: bytes
    retry_after_s: int | None = None


Handler = Callable[[Request], Record]
"""Does one exchange. Runs in a thread; what it commits is committed when it returns."""

Handlers = Mapping[Exchange, Handler]

Admit = Callable[[Exchange, Request], None]
"""Returns when the edge may ask this; raises an error of ours otherwise."""


def admitting(admit: Admit, handlers: Handlers) -> Handlers:
    """The same handlers behind a door."""

    def behind(exchange: Exchange, handler: Handler) -> Handler:
        def handle(request: Request) -> Record:
            admit(exchange, request)
            return handler(request)

        return handle

    return {exchange: behind(exchange, handler) for exchange, handler in handlers.items()}


async def answer(handlers: Handlers, exchange: Exchange, request: Request) -> Answer:
    """Do an exchange; whatever goes wrong becomes a problem document."""
    handler = handlers.get(exchange)
    if handler is None:
        detail, hint = f"{exchange} is no exchange.", "Bring edge and cloud to releases that fit together."
        return _problem(Problem(title="There is no such exchange", status=404, detail=detail, hint=hint))
    try:
        _require_small(exchange, request)
        done = await asyncio.to_thread(handler, request)
    except GarduCloudError as error:
        return _problem(error.problem())
    except ValidationError as error:
        detail = f"The body of {exchange} cannot be read ({error.error_count()} faults)."
        hint = "Bring edge and cloud to releases that fit together."
        return _problem(Problem(title="The request is not valid", status=422, detail=detail, hint=hint))
    except Exception:  # noqa: BLE001 - the border of one request
        _log.exception("exchange_failed", exchange=exchange.value, edge=request.edge)
        hint = "Ask again; look for exchange_failed in the cloud's log if it stays."
        detail = "It is in the log."
        return _problem(Problem(title="Something went wrong inside Gardu", status=500, detail=detail, hint=hint))
    return Answer(200, done.model_dump_json().encode())


def _require_small(exchange: Exchange, request: Request) -> None:
    most = MOST_BYTES_OF_MANY if exchange in _OF_MANY else MOST_BYTES
    if len(request.body) > most:
        raise BodyTooLargeError(f"A request of {exchange} may have {most} bytes.", hint="Send less at once.")


def _problem(problem: Problem) -> Answer:
    retry_after_s = RETRY_AFTER_S if problem.status == 503 else None  # noqa: PLR2004 - Service Unavailable
    return Answer(problem.status, problem.model_dump_json(exclude_none=True).encode(), retry_after_s)
