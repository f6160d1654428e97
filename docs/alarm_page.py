"""The kinds of alarms, from the table that the edge itself uses."""

# ruff: noqa: INP001 - a folder of the tree that is never installed

from __future__ import annotations

from docs.markdown import page, table
from edge.domain.alarms import MEANINGS


def alarms() -> str:
    """Write every kind of alarm."""
    return page(
        "Alarms",
        """
        What an edge wants a person to look at. `GET /api/v1/alarms` lists them; `?standing=true` leaves out those that
        are over. An alarm of a kind stands at most once per charge point, and ends by itself when its cause is gone.
        `HardwareChanged` tells of something that happened: a person ends it.
        The cloud learns of both by the events `AlarmRaised.v1` and `AlarmCleared.v1`.
        """,
        table(
            ("Kind", "What it says", "What to do"),
            ((f"`{kind}`", meaning.sentence, meaning.what_to_do) for kind, meaning in MEANINGS.items()),
        ),
    )
