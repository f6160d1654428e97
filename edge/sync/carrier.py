"""What any carrier of the link offers (HTTPS, MQTT), and what can come of an exchange, in no carrier's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from contract.directory import DirectoryAnswer, DirectoryRequest
from contract.link import CommandsAnswer, Greeting, GreetingAnswer, PushAnswer
from contract.live import LiveAnswer, LiveNews
from edge.sync.packing import Packed


@dataclass(frozen=True, slots=True)
class Conflict:
    """The cloud's past does not continue with what was sent: greet again."""

    why: str


@dataclass(frozen=True, slots=True)
class TooLarge:
    """The batch was more than the other side takes."""

    why: str


@dataclass(frozen=True, slots=True)
class EventRefused:
    """The cloud cannot take this one event, whoever sends it and however often."""

    seq: int
    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The cloud does not accept who we are."""

    why: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """No usable answer; trying again may help."""

    why: str
    """For an operator; never carries a secret."""
    retry_after_s: float | None = None
    """What the other side asked for."""
    lost: bool = True
    """Nobody who could answer was reached. False: the cloud itself answered, with an error."""
    heavy: bool = False
    """Less at a time may help: a time-out or a server error."""
    busy: bool = False
    """The cloud is well, has too much to do at once, and said when to come again (429)."""
    gone: bool = False
    """What was asked for is not to be had any more (410): of the directory, a snapshot is."""


GreetOutcome = GreetingAnswer | Conflict | Refused | Unavailable
PushOutcome = PushAnswer | Conflict | TooLarge | EventRefused | Refused | Unavailable
PullOutcome = CommandsAnswer | Conflict | Refused | Unavailable
LiveOutcome = LiveAnswer | Conflict | Refused | Unavailable
DirectoryOutcome = DirectoryAnswer | Conflict | Refused | Unavailable


class Carrier(Protocol):
    """Carries requests of the edge up and answers of the cloud down. Expected failures are outcomes, not exceptions."""

    async def greet(self, greeting: Greeting) -> GreetOutcome:
        """Tell who we are and what we hold."""
        ...

    async def push(self, batch: Packed) -> PushOutcome:
        """Send a batch."""
        ...

    async def pull_commands(
        self,
        after: int,
        *,
        wait_s: float,
        directory: int | None = None,
        epoch: int | None = None,
        last: UUID | None = None,
    ) -> PullOutcome:
        """Ask for the command items above number `after`; the cloud answers when there are some, or after `wait_s`.

        It answers early, too, when the versions of the directory have another sum than `directory`. An `epoch` that is
        not the site's present one is a conflict; so is another command than `last` at `after`.
        """
        ...

    async def pull_directory(self, request: DirectoryRequest) -> DirectoryOutcome:
        """Ask for one slice of a set of the directory."""
        ...

    async def tell_live(self, news: LiveNews) -> LiveOutcome:
        """Tell the newest of some connectors. Best effort: nobody asks again for what did not arrive."""
        ...

    async def close(self) -> None:
        """Let go of all connections."""
        ...
