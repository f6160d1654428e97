"""Ending a transaction by hand, what was known of its end before, and who was refused why."""

from __future__ import annotations

import httpx

from contract.streams import Stream
from edge.domain.authorisation import Decision
from edge.store import authorizations
from edge.store.writer import WriteTx
from tests.integration.edge_api.site import NOW, Site, problem


async def test_a_running_transaction_is_ended_by_hand_with_an_estimate_and_a_trace(
    client: httpx.AsyncClient, site: Site
) -> None:
    number, uuid = await site.add_transaction()
    await site.add_meter_value(number, 60)
    answer = await client.post(f"/api/v1/transactions/{uuid}/close")
    assert answer.status_code == 200
    ended = answer.json()
    assert (ended["state"], ended["estimated"], ended["energy_wh"]) == ("provisionally_closed", True, 60)
    assert (ended["flags"], ended["stopped_at"]) == (["closed_by_operator"], "2026-03-01T12:01:00Z")
    changes = (await client.get(f"/api/v1/transactions/{number}/changes")).json()["items"]
    assert [(change["what"], change["changed_by"]) for change in changes] == [("closed", "local")]
    assert changes[0]["before"]["stopped_at"] is None
    (event,) = await site.events(Stream.LEDGER)
    assert (event["type"], event["data"]["estimated"]) == ("TransactionStopped.v1", True)


async def test_an_ended_transaction_is_not_ended_again(client: httpx.AsyncClient, site: Site) -> None:
    number, _ = await site.add_transaction(stopped=True)
    problem(await client.post(f"/api/v1/transactions/{number}/close"), 409, "transaction-ended")
    problem(await client.post("/api/v1/transactions/4711/close"), 404, "unknown-transaction")
    assert (await client.get(f"/api/v1/transactions/{number}/changes")).json()["items"] == []


async def decide(site: Site, charge_point: str, id_tag: str, status: str) -> None:
    decision = Decision(status, f"Because it is {status}.")

    def insert(tx: WriteTx) -> None:
        authorizations.insert(
            tx.connection, decision, NOW, charge_point=charge_point, action="Authorize", id_tag=id_tag
        )

    await site.writer.run(insert)


async def test_decisions_are_listed_newest_first_by_id_tag_and_charge_point(
    client: httpx.AsyncClient, site: Site
) -> None:
    for charge_point, id_tag, status in (("A", "ONE", "Accepted"), ("B", "one", "Blocked"), ("A", "TWO", "Invalid")):
        await decide(site, charge_point, id_tag, status)

    async def listed(**query: str | int) -> list[str]:
        answer = await client.get("/api/v1/authorizations", params=query)
        return [item["reason"] for item in answer.json()["items"]]

    assert await listed() == ["Because it is Invalid.", "Because it is Blocked.", "Because it is Accepted."]
    assert await listed(id_tag="One") == ["Because it is Blocked.", "Because it is Accepted."]
    assert await listed(charge_point="A") == ["Because it is Invalid.", "Because it is Accepted."]
    first = (await client.get("/api/v1/authorizations", params={"limit": 1})).json()
    assert await listed(limit=1, cursor=first["next_cursor"]) == ["Because it is Blocked."]
    problem(await client.get("/api/v1/authorizations", params={"cursor": "x"}), 422, "invalid-request")


async def test_only_the_newest_decisions_are_kept(site: Site) -> None:
    def fill(tx: WriteTx) -> int:
        connection = tx.connection
        connection.execute(
            """INSERT INTO authorization_decision (id, decided_at, charge_point, action, id_tag, status, reason)
               VALUES (?, '', '', '', '', '', '')""",
            (authorizations.KEPT,),
        )
        for _ in range(2):
            decision = Decision("Accepted", "")
            authorizations.insert(connection, decision, NOW, charge_point="A", action="Authorize", id_tag="B")
        return int(connection.execute("SELECT min(id) FROM authorization_decision").fetchone()[0])

    assert await site.writer.run(fill) == authorizations.KEPT
