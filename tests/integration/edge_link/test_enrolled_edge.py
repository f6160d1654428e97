"""The whole life of an enrolled edge: real `gardu-edge` and `gardu-cloud`, TLS between them, and a real broker."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness.broker import CLOUD_PASSWORD, CLOUD_USER, Broker, require_mosquitto
from tests.harness.processes import Cloud, Edge

WITHIN_S = 60


class SecureCloud(Cloud):
    """A cloud that speaks TLS alone, with a certificate of the broker's authority, and keeps the broker's passwords."""

    ca: Path

    def wait_ready(self) -> None:
        until(lambda: "is ready at https://" in self.log.read_text(), "the cloud is ready")

    def api(self, method: str, path: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.api_key}"}
        url = f"https://127.0.0.1:{self.port}/api/v1/{path}"
        answer = httpx.request(
            method, url, headers=headers, verify=ssl.create_default_context(cafile=self.ca), timeout=60, **more
        )
        assert answer.is_success, answer.text
        return answer.json()

    def token(self) -> str:
        secret: str = self.api("POST", "sites/north/enrolment-tokens")["secret"]
        return secret


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def link_of(edge: Edge) -> tuple[str, str]:
    with edge.client() as client:
        link = client.get("/api/v1/outbox").json()["link"]
    return link["state"], link["last_error"] or ""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    broker = Broker(tmp_path_factory.mktemp("broker"), require_mosquitto(), {})
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, broker: Broker) -> Iterator[SecureCloud]:
    cloud = SecureCloud.create(tmp_path_factory.mktemp("cloud"))
    assert isinstance(cloud, SecureCloud)
    cloud.environment |= broker.cloud_settings | {
        "GARDU_CLOUD_TLS_CERT": str(broker.folder / "server.pem"),
        "GARDU_CLOUD_TLS_KEY": str(broker.folder / "server.key"),
        "GARDU_CLOUD_MQTT_PASSWORD_FILE": str(broker.folder / "passwords"),
    }
    cloud.ca = broker.ca
    with cloud.start():
        yield cloud


def an_edge(folder: Path, cloud: SecureCloud, **settings: str) -> Edge:
    more = {"CLOUD__CA": str(cloud.ca), "CLOUD__LONGEST_WAIT_S": "1", **settings}
    return Edge.create(folder, **more)


def enrol(edge: Edge, *arguments: str, token: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge.cli", "enrol", *arguments],
        env=edge._whole_environment(),
        cwd=edge.folder,
        input=token,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_an_edge_enrols_speaks_changes_its_key_is_shut_out_and_enrols_again(tmp_path: Path, cloud: SecureCloud) -> None:
    address, token = f"https://127.0.0.1:{cloud.port}", cloud.token()
    edge = an_edge(tmp_path, cloud)
    edge.folder.mkdir(exist_ok=True)
    wrong = enrol(edge, "--cloud", address, "--token-file", "-", token="gardu_enrol_00_guess\n")
    assert (wrong.returncode, "not known" in wrong.stderr) == (1, True), wrong.stderr
    done = enrol(edge, "--cloud", address, "--token-file", "-", token=token)
    assert done.returncode == 0, done.stderr
    with edge.start():
        until(
            lambda: link_of(edge)[0] == "connected", "the edge connects by its signature, with no address in settings"
        )
        first = cloud.api("GET", "edges/north/keys")[0]["key_id"]
        edge.cli("rotate-key")
        keys = cloud.api("GET", "edges/north/keys")
        assert [key["key_id"] for key in keys if not key["revoked_at"]] != [first]
        assert len([key for key in keys if not key["revoked_at"]]) == 1
        until(lambda: link_of(edge)[0] == "connected", "it goes on with the new key")
        cloud.cli("revoke-edge", "north", "--reason", "its machine was stolen")
        until(lambda: link_of(edge)[0] == "refused", "it is shut out")
        assert "its machine was stolen" in link_of(edge)[1]
        with edge.client() as client:
            assert client.get("/api/v1/charge-points").is_success
        assert enrol(edge, "--cloud", address, "--token-file", "-", token=cloud.token()).returncode == 0
    with edge.start():
        until(lambda: link_of(edge)[0] == "connected", "it is let in again")
    said = edge.log.read_text() + cloud.log.read_text() + done.stdout + done.stderr + wrong.stderr
    seed = json.loads((edge.folder / "data" / "link-credentials.json").read_text())["key"]["seed"]
    for secret in (token, seed, "gardu_enrol_00_guess", "eyJ"):
        assert secret not in said, secret
    assert seed.encode() not in b"".join(file.read_bytes() for file in (edge.folder / "data").glob("edge.db*"))
    kinds = {event["kind"] for event in cloud.api("GET", "sites/north/access-log")["items"]}
    assert kinds >= {"token-issued", "enrolled", "key-registered", "key-replaced", "edge-revoked"}


def test_a_token_in_the_settings_enrols_at_the_first_start_and_is_passed_over_afterwards(
    tmp_path: Path, cloud: SecureCloud
) -> None:
    edge = an_edge(tmp_path, cloud, CLOUD__URL=f"https://127.0.0.1:{cloud.port}", CLOUD__TOKEN=cloud.token())
    keys = set()
    for _ in range(2):
        with edge.start():
            until(lambda: link_of(edge)[0] == "connected", "the edge enrols and connects")
        edge.kill()
        keys.add(json.loads((edge.folder / "data" / "link-credentials.json").read_text())["key"]["key_id"])
    assert len(keys) == 1


def test_an_enrolled_edge_speaks_through_the_broker_with_the_password_that_it_was_given(
    tmp_path: Path, cloud: SecureCloud, broker: Broker
) -> None:
    passwords = broker.folder / "passwords"
    edge = an_edge(
        tmp_path,
        cloud,
        CLOUD__URL=broker.url,
        CLOUD__ENROLMENT_URL=f"https://127.0.0.1:{cloud.port}",
        CLOUD__TOKEN=cloud.token(),
    )
    before = passwords.read_text()
    with edge.start():
        until(lambda: passwords.read_text() not in ("", before), "the cloud writes the broker's password file")
        assert "north:$7$" in passwords.read_text()
        assert CLOUD_USER in passwords.read_text()
        assert CLOUD_PASSWORD not in passwords.read_text()
        assert broker.child is not None
        os.kill(broker.child.pid, signal.SIGHUP)
        until(lambda: link_of(edge)[0] == "connected", "it connects through the broker")
        until(
            lambda: cloud.api("GET", "sites")["items"][0]["link"]["streams"]["state"]["cursor"] > 0, "its events arrive"
        )
        cloud.api("POST", "edges/north/revocation", json={"reason": "moved away"})
        until(lambda: link_of(edge)[0] == "refused", "it is shut out over MQTT too")
        assert "moved away" in link_of(edge)[1]
    until(lambda: "north:" not in passwords.read_text(), "its password at the broker ends")
