"""Which events of a batch are applied together."""

from __future__ import annotations

from dataclasses import dataclass

from cloud.ingest.service.runs import COMMUTING, runs

STARTED, STOPPED, REOPENED = "TransactionStarted.v1", "TransactionStopped.v1", "TransactionReopened.v1"


@dataclass(frozen=True)
class Numbered:
    type: str
    number: int


def split(*types: str) -> list[tuple[str, list[int]]]:
    lines = [Numbered(kind, number) for number, kind in enumerate(types)]
    return [(kind, [line.number for line in run]) for kind, run in runs(lines)]  # type: ignore[arg-type,attr-defined]


def test_starts_and_stops_that_alternate_are_two_runs_each_in_its_order() -> None:
    assert split(STARTED, STOPPED, STARTED, STOPPED) == [(STARTED, [0, 2]), (STOPPED, [1, 3])]


def test_nothing_passes_an_event_that_undoes_another() -> None:
    assert split(STOPPED, REOPENED, STOPPED, STARTED) == [
        (STOPPED, [0]),
        (REOPENED, [1]),
        (STARTED, [3]),
        (STOPPED, [2]),
    ]


def test_other_types_keep_their_places() -> None:
    assert split("A", "B", "A") == [("A", [0]), ("B", [1]), ("A", [2])]


def test_what_commutes_is_known() -> None:
    assert {"AuthorizationDecided.v1", STARTED, STOPPED} == COMMUTING
