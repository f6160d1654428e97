"""What time it is. Services receive the instant as a value, so that tests decide it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request

Clock = Callable[[], datetime]
"""Gives the present instant, in UTC."""


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


async def clock_of(request: Request) -> Clock:
    """The clock that the application was built with."""
    clock: Clock = request.app.state.clock
    return clock


async def now_of(clock: Annotated[Clock, Depends(clock_of)]) -> datetime:
    """The instant at which a request is handled."""
    return clock()


TheClock = Annotated[Clock, Depends(clock_of)]
"""An endpoint parameter: the clock, for those who ask more than once."""

Now = Annotated[datetime, Depends(now_of)]
"""An endpoint parameter: the instant at which the request is handled."""
