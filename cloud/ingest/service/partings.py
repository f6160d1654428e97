"""Where does an edge's past part from the cloud's? Both chain each event to its predecessor. No I/O.

The same hash at the same number means the same past up to there; another hash means that they parted before. So the
place lies between the greatest number that is the same and the least that is not, and the edge names places between
these two until nothing lies between them any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contract.link import Parting


@dataclass(frozen=True, slots=True)
class Judged:
    """A place of the edge's past, seen from the cloud's."""

    seq: int
    is_same: bool | None
    """`None`: the cloud does not remember its own past there."""


def part(
    judged: Sequence[Judged],
    *,
    cursor: int,
    acknowledged: int,
    complete: bool,
    remembers_between: Callable[[int, int], bool],
) -> Parting:
    """Narrow down, or name, the place.

    Args:
        judged: the edge's places.
        cursor: where the cloud's stream ends.
        acknowledged: a cursor that the edge was once told by the cloud, and that its own past agreed with. It counts
            where the cloud's own memory does not reach: an edge's copy may be older than that.
        complete: the edge has nothing between its places.
        remembers_between: whether the cloud knows any hash above one number and below another.
    """
    same = max((place.seq for place in judged if place.is_same), default=0)
    other = min((place.seq for place in judged if place.is_same is False and place.seq > same), default=None)
    forgotten = {place.seq for place in judged if place.is_same is None}
    if acknowledged in forgotten and same < acknowledged <= cursor and (other is None or acknowledged < other):
        same = acknowledged
    if other is None:
        return Parting(same=same, other=None, found=True)
    nothing_between = complete or other == same + 1 or not remembers_between(same, min(other, cursor + 1))
    return Parting(same=same, other=other, found=same == cursor or nothing_between)
