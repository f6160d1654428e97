"""Real `gardu-edge` and `gardu-cloud` processes for tests: free ports, a folder of their own, killed at the end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.harness.plain_http import PLAIN

READY_WITHIN_S = 90.0
STOP_WITHIN_S = 30.0


_given: set[int] = set()


def free_port() -> int:
    """A port that nobody listens on now, and that was not given before in this process.

    Asked for with SO_REUSEADDR, so that a restarted server may take it again.
    """
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in _given:
            _given.add(port)
            return port


@dataclass
class Process:
    """One child process with its log."""

    module: str
    folder: Path
    environment: dict[str, str]
    ready_url: str
    child: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                [sys.executable, "-m", self.module, "run"],
                cwd=self.folder,
                env=self._whole_environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self.wait_ready()
        except BaseException:
            self.kill()
            raise
        return self

    @property
    def log(self) -> Path:
        return self.folder / f"{self.module}.log"

    def wait_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        last = "nothing"
        with httpx.Client(verify=PLAIN, timeout=2.0, trust_env=False) as client:
            while time.monotonic() < deadline:
                if self.child is not None and self.child.poll() is not None:
                    raise AssertionError(f"{self.module} ended with {self.child.returncode}:\n{self._tail()}")
                try:
                    answer = client.get(self.ready_url)
                except httpx.TransportError as error:
                    last = repr(error)
                else:
                    if answer.is_success:
                        return
                    last = f"{answer.status_code} {answer.text}"
                time.sleep(0.02)
        raise AssertionError(f"{self.module} is not ready, it answers {last}:\n{self._tail()}")

    def _tail(self) -> str:
        return self.log.read_text()[-4000:]

    def kill(self) -> None:
        """As a power switch would, as far as the process can tell."""
        if self.child is not None and self.child.poll() is None:
            self.child.kill()
            self.child.wait()

    @property
    def pid(self) -> int:
        assert self.child is not None
        return self.child.pid

    def stop(self) -> int:
        """Ask politely; returns the exit status."""
        assert self.child is not None
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        return self.child.wait(timeout=STOP_WITHIN_S)

    def cli(self, *arguments: str) -> str:
        """Run another command of the same program and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", self.module, *arguments],
            cwd=self.folder,
            env=self._whole_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _whole_environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("GARDU_")}
        return own | {"PYTHONPATH": str(Path(__file__).parents[2])} | self.environment


@dataclass
class Cloud(Process):
    """A `gardu-cloud` with an administrator."""

    port: int = 0
    api_key: str = ""
    secrets: dict[str, str] = field(default_factory=dict)

    @classmethod
    def create(cls, folder: Path, *, sites: tuple[str, ...] = ("north",), database_url: str | None = None) -> Cloud:
        """Make a cloud that knows `sites`; it does not run yet."""
        port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        environment = {
            "GARDU_CLOUD_DATABASE_URL": database_url or f"sqlite:///{folder / 'cloud.db'}",
            "GARDU_CLOUD_HOST": "127.0.0.1",
            "GARDU_CLOUD_PORT": str(port),
        }
        cloud = cls("cloud.cli", folder, environment, f"http://127.0.0.1:{port}/readyz", port=port)
        cloud.api_key = json.loads(cloud.cli("create-admin", "judge", "--json"))["api_key"]
        for site in sites:
            cloud.secrets[site] = json.loads(cloud.cli("add-site", site, "--secret", "--json"))["secret"]
        return cloud

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> httpx.Client:
        """A client of its API, as the administrator."""
        return httpx.Client(
            verify=PLAIN,
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.api_key}"},
            timeout=70.0,
            trust_env=False,
        )

    def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Read a whole list, page by page."""
        with self.client() as client:
            return all_pages(client, path, **query)


@dataclass
class Edge(Process):
    """A `gardu-edge`."""

    central_system_port: int = 0
    api_port: int = 0

    @classmethod
    def create(
        cls,
        folder: Path,
        *,
        site: str = "north",
        cloud_url: str | None = None,
        cloud_secret: str | None = None,
        **settings: str,
    ) -> Edge:
        """Make an edge; it does not run yet. `settings` are further GARDU_EDGE_ variables."""
        central_system_port, api_port = free_port(), free_port()
        environment = {
            "GARDU_EDGE_SITE": site,
            "GARDU_EDGE_DATA_DIR": str(folder / "data"),
            "GARDU_EDGE_CENTRAL_SYSTEM__HOST": "127.0.0.1",
            "GARDU_EDGE_CENTRAL_SYSTEM__PORT": str(central_system_port),
            "GARDU_EDGE_CENTRAL_SYSTEM__SETTLE_S": "0",
            "GARDU_EDGE_CENTRAL_SYSTEM__BOOT_GRACE_S": "0",
            "GARDU_EDGE_UPKEEP__PROVISION": "false",
            "GARDU_EDGE_UPKEEP__LOCAL_LISTS": "false",
            "GARDU_EDGE_CLOUD__COMMAND_PATIENCE_S": "5",
            "GARDU_EDGE_API__PORT": str(api_port),
        } | {f"GARDU_EDGE_{name}": value for name, value in settings.items()}
        if cloud_url is not None and cloud_secret is not None:
            environment |= {"GARDU_EDGE_CLOUD__URL": cloud_url, "GARDU_EDGE_CLOUD__SECRET": cloud_secret}
        ready = f"http://127.0.0.1:{api_port}/readyz"
        return cls("edge.cli", folder, environment, ready, central_system_port=central_system_port, api_port=api_port)

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.central_system_port}/ocpp"

    def client(self) -> httpx.Client:
        """A client of its API."""
        return httpx.Client(verify=PLAIN, base_url=f"http://127.0.0.1:{self.api_port}", timeout=60.0, trust_env=False)

    def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """Read a whole list, page by page."""
        with self.client() as client:
            return all_pages(client, path, **query)

    def add_charge_point(self, charge_point: str) -> str:
        """Make a charge point known and return its password."""
        with self.client() as client:
            answer = client.put(
                f"/api/v1/charge-points/{charge_point}", json={"registration_status": "Accepted", "new_key": True}
            )
        assert answer.is_success, answer.text
        return str(answer.json()["password"])

    def add_id_tag(self, id_tag: str, **fields: Any) -> None:
        """Put an id tag into the directory."""
        with self.client() as client:
            answer = client.put(f"/api/v1/id-tags/{id_tag}", json={"status": "Accepted"} | fields)
        assert answer.is_success, answer.text

    def outbox(self) -> dict[str, dict[str, int]]:
        """How far each stream is: `head` and `acknowledged` among others."""
        with self.client() as client:
            streams: dict[str, dict[str, int]] = client.get("/api/v1/outbox").json()["streams"]
        return streams

    def backlog(self) -> int:
        """Events that the cloud has not acknowledged."""
        return sum(stream["head"] - stream["acknowledged"] for stream in self.outbox().values())

    def wait_drained(self, within_s: float = 60.0) -> None:
        """Wait until the cloud has acknowledged everything."""
        deadline = time.monotonic() + within_s
        while (left := self.backlog()) > 0:
            assert time.monotonic() < deadline, f"{left} events are still not acknowledged"
            time.sleep(0.1)


def all_pages(client: httpx.Client, path: str, **query: Any) -> list[dict[str, Any]]:
    """Follow `next_cursor` to the end."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        answer = client.get(path, params=query | {"limit": 1000} | ({"cursor": cursor} if cursor else {}))
        assert answer.is_success, answer.text
        page = answer.json()
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items
