"""K8: no secret appears in any log, error or API answer, over a whole run (OCPP security white paper A01.FR.09)."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import httpx

from edge.store.database import connect
from tests.harness.processes import Edge, free_port
from tests.harness.station import Station, connected
from tests.harness.wire import basic, refused, wired

CLOUD_SECRET = "cloud-secret-7f3a91c2"
WIFI = "wifi-swordfish-55"
TYPED = "typed:by hand 88"
BY_HAND = "C0FFEE" + "17" * 17
FTP = "ftp-swordfish-66"
GUESS = "guessed-swordfish-77"


async def test_k08_no_secret_appears_in_any_log_error_or_answer(tmp_path: Path) -> None:
    edge = Edge.create(
        tmp_path,
        cloud_url=f"http://127.0.0.1:{free_port()}",
        cloud_secret=CLOUD_SECRET,
        LOG__LEVEL="DEBUG",
        CENTRAL_SYSTEM__CALL_TIMEOUT_S="5",
    )
    with await asyncio.to_thread(edge.start):
        key = await asyncio.to_thread(edge.add_charge_point, "CP1")
        answers: list[str] = []
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{edge.api_port}", trust_env=False, timeout=30) as api:
            api.event_hooks["response"] = [lambda response: _keep(response, answers)]
            rotated = await _run(edge, api, key)
            await _read_everything(api)
        check = await asyncio.to_thread(edge.cli, "check-config")
        status = await asyncio.to_thread(edge.cli, "status", "--json")
        edge.stop()
    secrets = [CLOUD_SECRET, WIFI, TYPED, BY_HAND, FTP, GUESS, key, rotated]
    shown = {"log": edge.log.read_text(), "check-config": check, "status": status, "outbox": _outbox(edge)}
    shown |= {f"answer {number}": answer for number, answer in enumerate(answers)}
    assert len(answers) > 30
    assert "connection_refused" in shown["log"]
    for place, text in shown.items():
        for secret in secrets:
            for form in _forms(secret):
                assert form.lower() not in text.lower(), f"{form} in {place}: {text[:2000]}"


def _forms(secret: str) -> list[str]:
    """A secret as it may be written: plain, as JSON text, and inside the header of Basic authentication."""
    header = base64.b64encode(f"CP1:{secret}".encode()).decode()
    return [secret, json.dumps(secret).strip('"'), header.rstrip("=")[:-1]]


async def _keep(response: httpx.Response, answers: list[str]) -> None:
    await response.aread()
    answers.append(f"{response.request.method} {response.request.url} {dict(response.headers)} {response.text}")


async def _run(edge: Edge, api: httpx.AsyncClient, key: str) -> str:
    """Everything that touches secrets; returns the key that the rotation sent."""
    asks = "/api/v1/central-system/clients/CP1"
    async with connected(edge.ws_url, "CP1", key) as station:
        await station.boot()
        await api.post(f"{asks}/change-configuration", json={"key": "AuthorizationKey", "value": BY_HAND})
        await api.post(f"{asks}/change-configuration", json={"key": "WifiPassword", "value": WIFI})
        _tell_passwords(station)
        await api.post(f"{asks}/get-configuration", json={})
        await api.post(f"{asks}/get-diagnostics", json={"location": f"ftp://user:{FTP}@files.example/logs"})
        await api.post("/api/v1/charge-points/CP1/rotate-key")
        rotated = str(station.asked[-1][1]["value"])
    for guess in (GUESS, BY_HAND[:-1] + "0", key + "x"):
        await refused(f"{edge.ws_url}/CP1", basic("CP1", guess))
    async with wired(f"{edge.ws_url}/CP1", basic("CP1", rotated)) as wire:
        await wire.boot()
        event = {"type": "InvalidMessages", "timestamp": "2026-03-01T12:00:00Z", "techInfo": f"password={WIFI}"}
        await wire.call("SecurityEventNotification", event)
        await wire.call("DataTransfer", {"vendorId": "V", "messageId": "SetPassword", "data": WIFI})
        await wire.call("Heartbeat", {"password": WIFI})
        await wire.call("StopTransaction", {"transactionId": -1, "password": WIFI, "authorizationKey": BY_HAND})
        await wire.websocket.send(f'[2,"x","DataTransfer",{{"vendorId":"V","password":"{WIFI}"')
        await wire.websocket.send(f'[2,"y","Explode",{{"AuthorizationKey":"{BY_HAND}"}}]')
        while (await wire.frame())[1] != "y":
            pass
    await api.put("/api/v1/charge-points/TYPED", json={"password": TYPED})
    await api.put("/api/v1/charge-points/TYPED", json={"password": TYPED, "new_key": True})  # a refusal
    await api.put("/api/v1/charge-points/TYPED", json={"password": [TYPED]})
    async with wired(f"{edge.ws_url}/TYPED", basic("TYPED", TYPED)) as wire:
        await wire.boot()
    return rotated


def _tell_passwords(station: Station) -> None:
    station.answers["GetConfiguration"] = {
        "configuration_key": [{"key": "WifiPassword", "readonly": False, "value": WIFI}],
        "unknown_key": [],
    }


async def _read_everything(api: httpx.AsyncClient) -> None:
    """Call every reading operation that the API describes, for the charge point where it asks for one."""
    paths: dict[str, Any] = (await api.get("/openapi.json")).json()["paths"]
    for path, operations in paths.items():
        if "get" in operations:
            await api.get(path.replace("{charge_point}", "CP1").replace("{", "").replace("}", ""))


def _outbox(edge: Edge) -> str:
    """What would go to the cloud."""
    connection = connect(edge.folder / "data" / "edge.db", read_only=True)
    try:
        rows = connection.execute("SELECT event FROM outbox ORDER BY seq").fetchall()
    finally:
        connection.close()
    return "\n".join(bytes(row["event"]).decode() for row in rows)
