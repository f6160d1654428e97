from __future__ import annotations

from contract.edge_events import ChargePointRemoved
from tests.integration.cloud.conftest import Campus


async def test_a_charge_point_that_its_site_removed_says_so(campus: Campus) -> None:
    await campus.with_charge_point("CP1")
    await campus.edge.tell(ChargePointRemoved(charge_point="CP1"))
    (shown,) = await campus.items("charge-points")
    assert (shown["registration_status"], shown["connected"]) == ("Removed", False)
