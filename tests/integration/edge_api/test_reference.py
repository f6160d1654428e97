from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import httpx

from contract.operations import OPERATIONS
from contract.problems import PROBLEM_MEDIA_TYPE
from edge.api.doors import Doors
from tests.integration.edge_api.site import Site


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for methods in document["paths"].values() for operation in methods.values()]


async def test_every_operation_has_a_summary_a_tag_and_its_problems(client: httpx.AsyncClient) -> None:
    operations = _operations((await client.get("/openapi.json")).json())
    assert len(operations) > len(OPERATIONS)
    for operation in operations:
        assert operation["summary"]
        assert len(operation["tags"]) == 1
        problems = {status: answer for status, answer in operation["responses"].items() if status[0] != "2"}
        assert {"421", "503", "default"} <= set(problems)
        for answer in problems.values():
            assert list(answer["content"]) == [PROBLEM_MEDIA_TYPE]
    assert len({operation["operationId"] for operation in operations}) == len(operations)


async def test_every_reference_in_the_description_leads_somewhere(client: httpx.AsyncClient) -> None:
    text = (await client.get("/openapi.json")).text
    document = (await client.get("/openapi.json")).json()
    for name in set(re.findall(r'"#/components/schemas/([^"]+)"', text)):
        assert name in document["components"]["schemas"]
    assert "HTTPValidationError" not in text


async def test_bodies_are_described_by_their_wire_names(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    operation = document["paths"]["/api/v1/central-system/clients/{charge_point}/start-transaction"]["post"]
    assert operation["requestBody"]["required"] is True
    schema = document["components"]["schemas"]["RemoteStartTransaction"]
    assert set(schema["properties"]) == {"idTag", "connectorId", "chargingProfile"}
    optional = document["paths"]["/api/v1/central-system/clients/{charge_point}/clear-cache"]["post"]
    assert not optional["requestBody"].get("required")


async def test_the_description_says_whether_a_key_is_needed(site: Site) -> None:
    path = "/api/v1/outbox"
    assert "security" not in site.api().openapi()["paths"][path]["get"]
    keyed = site.api(Doors(api_keys=())).openapi()
    assert keyed["paths"][path]["get"]["security"] == [{"HTTPBearer": []}]
    assert "security" not in keyed["paths"]["/healthz"]["get"]


async def test_the_reference_page_needs_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    answer = await client.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert not re.search(r"https?://|src=|@import", answer.text)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    for element in ("script", "style"):
        content = re.search(rf"<{element}>(.*?)</{element}>", answer.text, re.DOTALL)
        assert content
        digest = base64.b64encode(hashlib.sha256(content[1].encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy
