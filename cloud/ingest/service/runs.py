"""Which events of a batch are applied together. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from cloud.ingest.schemas import Line
from contract.events import AuthorizationDecided, TransactionStarted, TransactionStopped

COMMUTING = frozenset({AuthorizationDecided.TYPE, TransactionStarted.TYPE, TransactionStopped.TYPE})
"""Types whose appliers write columns of their own, so that the order between types does not matter. Within a type it
stays. A building's day is made of these; each change of type would cost a savepoint and half a dozen statements."""


def runs(lines: Sequence[Line]) -> Iterator[tuple[str, list[Line]]]:
    """Split lines into runs of one type, in their order; commuting neighbours come type by type."""
    for commute, group in groupby(lines, key=lambda line: line.type in COMMUTING):
        neighbours = list(group)
        for kind, run in groupby(sorted(neighbours, key=_type) if commute else neighbours, key=_type):
            yield kind, list(run)


_type = attrgetter("type")
