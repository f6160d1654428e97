"""The table of a connector's transitions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.connector import TRANSITIONS, Connector, IllegalTransitionError, Status
from simulator.meter import Meter

SHORT = {
    "Avail": Status.AVAILABLE,
    "Prep": Status.PREPARING,
    "Chrg": Status.CHARGING,
    "SusEV": Status.SUSPENDED_EV,
    "SusEVSE": Status.SUSPENDED_EVSE,
    "Fin": Status.FINISHING,
    "Resv": Status.RESERVED,
    "Unav": Status.UNAVAILABLE,
    "Fault": Status.FAULTED,
}
STANDARD = """
Avail    : Prep Chrg SusEV SusEVSE Resv Unav Fault
Prep     : Avail Chrg SusEV SusEVSE Fin Fault
Chrg     : Avail SusEV SusEVSE Fin Unav Fault
SusEV    : Avail Chrg SusEVSE Fin Unav Fault
SusEVSE  : Avail Chrg SusEV Fin Unav Fault
Fin      : Avail Prep Unav Fault
Resv     : Avail Prep Unav Fault
Unav     : Avail Prep Chrg SusEV SusEVSE Fault
Fault    : Avail Prep Chrg SusEV SusEVSE Fin Resv Unav
"""
"""OCPP 1.6 ed. 2 §4.9, with the errata's B6."""


def test_table_is_the_standards() -> None:
    rows = (line.split(":") for line in STANDARD.strip().splitlines())
    assert {SHORT[name.strip()]: {SHORT[to] for to in tos.split()} for name, tos in rows} == TRANSITIONS


@given(st.lists(st.sampled_from(Status), max_size=30))
def test_any_order_of_moves_keeps_to_the_table_and_an_illegal_one_changes_nothing(moves: list[Status]) -> None:
    told: list[Status] = []
    connector = Connector(1, Meter(), on_status=lambda moved: told.append(moved.status))
    for to in moves:
        before, count = connector.status, len(told)
        if to in TRANSITIONS[before]:
            connector.move(to)
            assert connector.status is to
            assert told[count:] == [to]
            continue
        if to is before:
            connector.move(to)
        else:
            with pytest.raises(IllegalTransitionError):
                connector.move(to)
        assert connector.status is before
        assert len(told) == count


@given(st.sampled_from(sorted(set(Status) - {Status.RESERVED})), st.booleans())
def test_resting_connector_is_available_or_unavailable_as_it_was_told(status: Status, operative: bool) -> None:  # noqa: FBT001
    connector = Connector(1, Meter(), status=status, operative=operative)
    connector.rest()
    assert connector.status is (Status.AVAILABLE if operative else Status.UNAVAILABLE)
