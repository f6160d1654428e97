"""What the API needs from the rest of the edge, and how an endpoint gets at it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Protocol, cast

from fastapi import Depends, Request

from edge.clock import Clock
from edge.domain.commissioning import CommissioningWindow
from edge.domain.configuration import Layer
from edge.domain.drill import Drill
from edge.operations.caller import Caller
from edge.store.file_exchange import Files
from edge.store.readers import Readers
from edge.store.roots import Root
from edge.store.writer import Writer

if TYPE_CHECKING:
    from edge.store.authority import Authority


class Perform(Protocol):
    """Does one operation at a charge point. `operations.to_charge_point` implements it."""

    async def __call__(self, charge_point: str, action: str, payload: dict[str, Any], /) -> dict[str, Any]:
        """Return the OCPP answer as the charge point gave it.

        Raises:
            UnknownChargePointError: the site does not know it.
            NotConnectedError: no connection, or it broke before the answer.
            NoConnectorError: a start named no connector, and none is free.
            CallFailedError: CALLERROR.
            CallTimeoutError: no answer in time.
        """
        ...


class OutageDrill(Protocol):
    """Cuts the link on purpose. `sync.drill` implements it."""

    @property
    def is_cut(self) -> bool:
        """Whether a drill is running."""
        ...

    async def begin(self, for_s: float) -> None:
        """Cut the link for so many seconds."""
        ...

    def end(self) -> None:
        """Make it whole before the time."""
        ...

    async def report(self) -> Drill | None:
        """Tell how the newest drill goes; `None`: there was none."""
        ...


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """The link to the cloud, as an operator wants to see it."""

    state: str
    """The sync room's word for it, for example `connected`."""
    since: datetime | None
    """When it came into this state; `None`: not known."""
    last_success_at: datetime | None
    """When the cloud last answered well; `None`: not since the start."""
    last_error: str | None
    """Why the last attempt failed, without any secret; `None`: it did not."""


@dataclass(frozen=True, slots=True)
class Collaborators:
    """Everything that endpoints work with."""

    site: str
    readers: Readers
    writer: Writer
    clock: Clock
    caller: Caller
    perform: Perform
    link_status: Callable[[], LinkStatus]
    ready: Callable[[], bool]
    """Whether the edge can serve charge points now."""
    randomness: Callable[[int], bytes]
    """Gives so many unpredictable bytes."""
    authority: Callable[[], Authority]
    """Gives the edge's own certificate authority."""
    on_root_change: Callable[[Root], Awaitable[None]]
    """Lets the edge show certificates of another root."""
    window: CommissioningWindow
    """Whether unknown charge points may present themselves."""
    site_configuration: Layer
    """The configuration that the settings want for every charge point."""
    files: Files
    """Where firmware and diagnostics lie."""
    frames: Readers | None = None
    """Read the frame journal; `None`: there is none."""
    drill: OutageDrill | None = None
    """Cuts the link on purpose; `None`: there is none to cut."""


async def _collaborators(request: Request) -> Collaborators:
    return cast("Collaborators", request.app.state.collaborators)


async def _operator(request: Request) -> str:
    return str(request.state.operator)


Here = Annotated[Collaborators, Depends(_collaborators)]
AskedBy = Annotated[str, Depends(_operator)]
"""Who asks: the name of the API key, or `local`. The doors put it into the request's state."""
