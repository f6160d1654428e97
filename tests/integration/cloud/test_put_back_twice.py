"""The same old disk put back twice, and a copied card: one life ends before the next begins, or two speak in turns."""

from __future__ import annotations

import pytest

from tests.integration.cloud.conftest import Campus
from tests.integration.cloud.test_epochs import lives, meter_values, send_on, some


async def test_a_disk_that_is_put_back_twice_on_the_same_machine_is_no_copy(campus: Campus) -> None:
    edge = campus.edge
    await edge.tell(*some(3))
    await edge.greet()
    backup = edge.copied("boot 2")
    await edge.tell(*some(2, "LOST"))
    once, twice = backup.copied("boot 2"), backup.copied("boot 2")
    await once.settle()
    await once.tell(*some(4, "ONCE"))
    assert (await twice.greet()).status_code == 409
    assert (await twice.settle()).epoch == 3
    await twice.tell(*some(1, "TWICE"))
    assert set(meter_values(campus).values()) == {1}
    assert sum(meter_values(campus).values()) == 3 + 2 + 4 + 1


async def test_a_backup_that_is_restored_twice_with_a_reboot_in_between_is_no_copy(campus: Campus) -> None:
    edge = campus.edge
    await edge.tell(*some(3))
    await edge.greet()
    backup = edge.copied("boot 2")
    await edge.tell(*some(2, "LOST"))
    once, twice = backup.copied("boot 2"), backup.copied("boot 3")
    await once.settle()
    await once.tell(*some(4, "ONCE"))
    assert (await twice.greet()).status_code == 409
    assert (await lives(campus))["locked_at"] is None
    assert (await twice.settle()).epoch == 3
    await twice.tell(*some(1, "TWICE"))
    assert set(meter_values(campus).values()) == {1}
    assert sum(meter_values(campus).values()) == 3 + 2 + 4 + 1
    assert (await once.greet()).status_code == 403, "it speaks in turns with the other: it was a copy after all"
    assert (await twice.greet()).status_code == 403


@pytest.mark.parametrize("reboots", [False, True])
async def test_a_copy_is_noticed_at_the_next_word_of_a_life_that_was_heard(campus: Campus, *, reboots: bool) -> None:
    """A reboot of one of the two looks like a restored disk, until the other one speaks."""
    first = campus.edge
    await first.greet()
    await first.tell(*some(3))
    second = first.copied("boot 2")
    await first.tell(*some(2, "FIRST"))
    second.record(*some(1, "SECOND"))
    await second.settle()
    if reboots:
        first.boot_id = "boot 3"
        assert (await first.settle()).epoch == 3
        first, second = second, first
    assert (await first.greet()).status_code == 403
    assert (await lives(campus))["locked_at"] is not None


async def test_a_greeting_that_comes_once_more_after_its_grant_was_taken_grants_nothing(campus: Campus) -> None:
    """A broker may bring it twice, and whoever caught it may repeat it for a minute and a half."""
    edge = campus.edge
    await edge.greet()
    await edge.tell(*some(3))
    backup = edge.copied("boot 2")
    await edge.tell(*some(2, "LOST"))
    backup.record(*some(1, "OWN"))
    await backup.settle()
    caught = backup.greeted
    assert caught is not None
    await send_on(backup)
    await backup.tell(*some(4, "MORE"))
    again = await campus.client.post(
        "/api/v1/edges/tower/greeting", json=caught.model_dump(mode="json"), headers=backup.headers
    )
    assert again.status_code == 409
    assert (await backup.greet()).json()["epoch"] == 2
    await backup.tell(*some(1, "LATER"))
    assert set(meter_values(campus).values()) == {1}
    assert (await lives(campus))["epoch"] == 2
