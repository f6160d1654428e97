"""The link's exchanges as MQTT 5 topics. Bodies are those of HTTPS; status and encoding travel as user properties."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from pydantic import NonNegativeInt, PositiveInt

from contract.model import Record

ROOT = "gardu/v1"
SHARED_SUBSCRIPTION = f"$share/gardu-cloud/{ROOT}/+/up/+"
"""What the replicas of a cloud subscribe to, so that each request reaches one of them."""

STATUS = "status"
"""User property of an answer: the HTTP status that it would have had."""
RETRY_AFTER = "retry-after"
"""User property of an answer: seconds."""
CONTENT_ENCODING = "content-encoding"
"""User property of a request: `gzip`, or absent."""

TOKEN = "token"  # noqa: S105 - the name of a property
"""User property of a request: what the edge signed for it (`contract.enrolment.RequestClaims`); absent for an edge that
was never enrolled."""

REQUEST_LIFE_S = 60
"""Message expiry of requests and answers: nothing grows old in a broker."""


class Exchange(StrEnum):
    """The last part of a topic."""

    GREETING = "greeting"
    EVENTS = "events"
    COMMANDS = "commands"
    DIRECTORY = "directory"
    LIVE = "live"
    BELL = "bell"
    """Downwards alone: "pull now". Carries nothing."""


class CommandsRequest(Record):
    """The body of a request for commands."""

    after: NonNegativeInt
    """The highest number that the edge has stored."""
    epoch: PositiveInt | None = None
    """The epoch that the edge speaks under; one that is not the present one gets nothing. `None`: it does not say."""
    last: UUID | None = None
    """The command of item `after`: a cloud that gave the number to another one answers 409. `None`: it does not say."""


def up(edge: str, exchange: Exchange) -> str:
    """The topic of an edge's requests."""
    return f"{ROOT}/{edge}/up/{exchange}"


def down(edge: str, exchange: Exchange) -> str:
    """The topic of the cloud's answers to one edge."""
    return f"{ROOT}/{edge}/down/{exchange}"


def parse_up(topic: str) -> tuple[str, Exchange] | None:
    """Read edge and exchange out of a request's topic; `None`: it is none of ours."""
    parts = topic.split("/")
    if len(parts) != 5 or "/".join(parts[:2]) != ROOT or parts[3] != "up":  # noqa: PLR2004 - gardu/v1/edge/up/exchange
        return None
    try:
        return parts[2], Exchange(parts[4])
    except ValueError:
        return None
