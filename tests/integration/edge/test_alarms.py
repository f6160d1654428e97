"""Alarms in the store: raised once while they stand, told upwards, cleared once."""

from __future__ import annotations

from contract.events import AlarmCleared, AlarmRaised
from edge.domain.alarms import AlarmKind
from edge.store import alarms
from tests.integration.edge.played_site import CP1, CP2, NOON, PlayedSite

KIND = AlarmKind.CLOCK_SUSPECT


def raised(site: PlayedSite, charge_point: str = CP1) -> bool:
    return site.write(lambda tx: alarms.raise_alarm(tx, KIND, charge_point, "an hour ahead", NOON))


def cleared(site: PlayedSite, charge_point: str = CP1) -> bool:
    return site.write(lambda tx: alarms.clear_alarm(tx, KIND, charge_point, NOON))


def test_an_alarm_is_raised_once_while_it_stands_and_again_after_it_was_cleared(site: PlayedSite) -> None:
    assert [raised(site), raised(site), cleared(site), cleared(site), raised(site)] == [True, False, True, False, True]
    told = [
        (type(event), event.charge_point) for event in site.events() if isinstance(event, AlarmRaised | AlarmCleared)
    ]
    assert told == [(AlarmRaised, CP1), (AlarmCleared, CP1), (AlarmRaised, CP1)]
    first, second = site.events(AlarmRaised)
    assert first.alarm != second.alarm
    assert site.events(AlarmCleared)[0].alarm == first.alarm


def test_charge_points_and_the_site_have_their_alarms_apart(site: PlayedSite) -> None:
    assert raised(site, CP1)
    assert raised(site, CP2)
    assert raised(site, alarms.SITE)
    assert alarms.standing(site.connection, KIND) == {CP1, CP2, alarms.SITE}
    assert cleared(site, CP2)
    assert not alarms.stands(site.connection, KIND, CP2)
    assert alarms.stands(site.connection, KIND, CP1)
    assert site.events(AlarmRaised)[2].charge_point is None


def test_alarms_are_listed_newest_first_in_pages_and_by_what_still_stands(site: PlayedSite) -> None:
    for charge_point in (CP1, CP2, "third"):
        raised(site, charge_point)
    cleared(site, CP2)
    first = alarms.page(site.connection, limit=2)
    rest = alarms.page(site.connection, limit=2, before=first[-1].number)
    assert [row.charge_point for row in (*first, *rest)] == ["third", CP2, CP1]
    assert [row.charge_point for row in alarms.page(site.connection, standing=True)] == ["third", CP1]
    assert [row.charge_point for row in alarms.page(site.connection, standing=False)] == [CP2]
    assert [row.charge_point for row in alarms.page(site.connection, charge_point=CP1)] == [CP1]
