"""Every rightful edge finds its way back: restored from odd backups, or after an operator chose."""

from __future__ import annotations

from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select

from cloud.commands.exchanges import commands
from cloud.directory.exchanges import directory
from cloud.errors import EpochError
from cloud.models.sites import InstanceRow
from contract.directory import DirectoryRequest, DirectorySet
from contract.link import GreetingAnswer
from contract.mqtt import CommandsRequest
from contract.streams import Stream
from tests.integration.cloud.conftest import Campus
from tests.integration.cloud.directory_mirror import Mirror
from tests.integration.cloud.edge_double import EdgeDouble
from tests.integration.cloud.test_commands import ask
from tests.integration.cloud.test_epochs import cloned, ledger, lives, meter_values, send_on, some


def incarnation(campus: Campus) -> UUID:
    with campus.database.read() as unit:
        return unit.scalars(select(InstanceRow.incarnation)).one()


async def test_a_re_imaged_edge_that_is_restored_from_before_its_first_contact_goes_on(campus: Campus) -> None:
    await campus.edge.tell(*some(3))
    await campus.edge.greet()
    fresh = EdgeDouble(campus.client, "tower", "")
    fresh.headers = campus.edge.headers
    backup = fresh.copied("boot 2")
    fresh.take(GreetingAnswer.model_validate_json((await fresh.greet()).content))
    await fresh.tell(*some(5, "NEW"))
    backup.record(*some(2, "OWN"))
    assert (await backup.greet()).json()["epoch"] == 2
    assert (await backup.settle()).epoch == 3
    await send_on(backup)
    assert len(ledger(campus)) == 3 + 5 + 2
    assert set(meter_values(campus).values()) == {1}
    assert (await lives(campus))["locked_at"] is None


async def test_an_edge_that_is_restored_from_a_backup_with_a_standing_claim_goes_on(campus: Campus) -> None:
    edge = campus.edge
    await edge.greet()
    await edge.tell(*some(3))
    restored = edge.copied("boot 2")
    await edge.tell(*some(4, "LOST"))
    restored.claim = uuid4()
    backup = restored.copied("boot 3")
    past = {stream: restored._past(stream, 0, 99) for stream in Stream}
    restored.take(GreetingAnswer.model_validate_json((await restored.greet(past=past)).content))
    await restored.tell(*some(6, "MORE"))
    backup.record(*some(1, "OWN"))
    assert (await backup.greet()).json()["epoch"] == 2
    past = {stream: backup._past(stream, 0, 99) for stream in Stream}
    backup.take(GreetingAnswer.model_validate_json((await backup.greet(past=past)).content))
    assert backup.epoch == 3
    await send_on(backup)
    assert len(ledger(campus)) == 3 + 4 + 6 + 1
    assert set(meter_values(campus).values()) == {1}


async def test_what_was_acknowledged_under_an_earlier_epoch_makes_no_cloud_a_restored_one(campus: Campus) -> None:
    campus.edge.incarnation = before = incarnation(campus)
    first, _ = await cloned(campus)
    assert first.cursors[Stream.METER] > 0
    await campus.post("edges/tower/unlock", {"continues": "other"})
    assert (await first.settle()).epoch == 4
    assert incarnation(campus) == before


async def test_a_command_is_handed_to_the_present_life_of_an_edge_alone(campus: Campus) -> None:
    await campus.edge.greet()
    await campus.with_charge_point()
    second = campus.edge.copied("boot 2")
    await campus.edge.tell(*some(2))
    second.record(*some(1, "SECOND"))
    assert (await second.settle()).epoch == 2
    command = await ask(campus)

    async def pulled(epoch: int) -> httpx.Response:
        params = {"after": 0, "wait": 0, "epoch": epoch}
        return await campus.client.get("/api/v1/edges/tower/commands", params=params, headers=second.headers)

    over = await pulled(1)
    assert (over.status_code, over.json()["type"]) == (409, "urn:gardu:problem:epoch-mismatch")
    assert [item["command"] for item in (await pulled(2)).json()["items"]] == [command["command"]]
    body = CommandsRequest(after=0, epoch=1).model_dump_json().encode()
    with pytest.raises(EpochError):
        commands(campus.database, campus.clock, "tower", body)


async def test_the_directory_is_handed_to_the_present_life_of_an_edge_alone(campus: Campus) -> None:
    second = campus.edge.copied("boot 2")
    await campus.edge.greet()
    await campus.edge.tell(*some(2))
    second.record(*some(1, "SECOND"))
    assert (await second.settle()).epoch == 2
    mirror = Mirror(campus, second, "id_tags")
    over = await mirror.ask(epoch=1)
    assert (over.status_code, over.json()["type"]) == (409, "urn:gardu:problem:epoch-mismatch")
    assert [(await mirror.ask(epoch=2)).status_code, (await mirror.ask()).status_code] == [200, 200]
    asked = DirectoryRequest(set=DirectorySet.ID_TAGS, epoch=1)
    with pytest.raises(EpochError):
        directory(campus.database, campus.clock, "tower", asked.model_dump_json().encode())


async def restored_beside_a_clone(campus: Campus) -> EdgeDouble:
    """The rightful edge holds epoch 2 on boot 2, a clone of epoch 1 was turned away; the backup of epoch 1."""
    edge = campus.edge
    await edge.greet()
    await edge.tell(*some(5))
    backup = edge.copied("backup")
    await edge.tell(*some(3, "LOST"))
    assert (await backup.copied("boot 2").settle()).epoch == 2
    assert (await backup.copied(edge.boot_id).greet()).status_code == 403
    assert (await campus.post("edges/tower/unlock", {"continues": "present"})).status_code == 200
    return backup


async def test_the_rightful_edge_may_be_restored_from_a_backup_of_a_refused_epoch(campus: Campus) -> None:
    backup = await restored_beside_a_clone(campus)
    again = backup.copied("boot 2")
    again.record(*some(1, "OWN"))
    assert (await again.greet()).status_code == 409
    assert (await again.settle()).epoch == 3
    await send_on(again)
    assert (await backup.copied(campus.edge.boot_id).greet()).status_code == 403
    assert set(meter_values(campus).values()) == {1}


async def test_an_operator_may_think_again_about_an_edge_that_is_turned_away(campus: Campus) -> None:
    backup = await restored_beside_a_clone(campus)
    for _ in range(2):
        assert (await backup.copied(campus.edge.boot_id).greet()).status_code == 403
    assert (await campus.post("edges/tower/unlock", {"continues": "other"})).status_code == 409
    later = backup.copied("boot 3")
    later.record(*some(1, "OWN"))
    for _ in range(2):
        assert "--continues other" in (await later.greet()).json()["hint"]
    told = await lives(campus)
    assert (told["locked_at"], [one["settled_at"] is None for one in told["conflicts"]].count(True)) == (None, 1)
    [alarm] = [one for one in await campus.items("alarms", site="tower") if one["cleared_at"] is None]
    assert alarm["kind"] == "EdgeTurnedAway"
    assert (await campus.post("edges/tower/unlock", {"continues": "other"})).status_code == 200
    assert (await later.settle()).epoch == 4
    await send_on(later)
    assert len(ledger(campus)) == 5 + 3 + 1
    assert all(one["cleared_at"] is not None for one in await campus.items("alarms", site="tower"))
