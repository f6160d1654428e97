"""The real `gardu-cloud` process at the other end of an edge's link."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx


class RealCloud:
    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.env = {
            **os.environ,
            "GARDU_CLOUD_DATABASE_URL": f"sqlite:///{folder / 'cloud.db'}",
            "GARDU_CLOUD_PORT": str(port),
        }
        self.log = folder / "cloud.log"
        self._folder = folder

    def enrolled(self) -> tuple[str, str]:
        """Add the site; its secret, and an API key."""
        secret = self.ask("add-site", "north", "--secret")["secret"]
        return secret, self.ask("create-admin", "tests")["api_key"]

    def back_up(self) -> None:
        """Copy the database while the process does not run."""
        backup = self._folder / "backup"
        backup.mkdir()
        for file in self._folder.glob("cloud.db*"):
            shutil.copy(file, backup)

    def restore(self) -> None:
        """Put the copy in the database's place."""
        for file in self._folder.glob("cloud.db*"):
            file.unlink()
        for file in (self._folder / "backup").iterdir():
            shutil.copy(file, self._folder)

    def ask(self, *arguments: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "cloud.cli", *arguments, "--json"]
        told = subprocess.run(command, env=self.env, capture_output=True, text=True, check=True)
        answer: dict[str, Any] = json.loads(told.stdout)
        return answer

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.subprocess.Process]:
        with self.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "cloud.cli", "run", env=self.env, stdout=log, stderr=log
            )
        try:
            async with asyncio.timeout(40), httpx.AsyncClient() as client:
                while not await _is_healthy(client, self.url):
                    assert process.returncode is None, self.log.read_text()
                    await asyncio.sleep(0.1)
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _is_healthy(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/healthz")).is_success
    except httpx.HTTPError:
        return False
