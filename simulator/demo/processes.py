"""The demo's child processes: started through their command lines, watched, and ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from simulator.demo.errors import DemoError

_READY_POLL_S = 0.1
_STOP_TIMEOUT_S = 8.0
_TAIL_LINES = 15


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def tail(log: Path) -> str:
    """The last lines of a log, indented; says so when there are none."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:] if log.exists() else []
    return "\n".join(f"    {line}" for line in lines) or "    (its log is empty)"


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without Gardu's own settings, which would reach the demo's children."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("GARDU_")}
    return mine | dict(more) | {"PYTHONUNBUFFERED": "1"}


async def run_to_end(name: str, module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run a short command.

    Returns:
        Its standard output.

    Raises:
        DemoError: It failed; the text holds what it said.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        env=_environment(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        output, errors = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    if process.returncode:
        said = (errors or output).decode(errors="replace").strip()
        raise DemoError(f"`{name} {' '.join(arguments)}` failed with exit status {process.returncode}:\n    {said}")
    return output.decode()


class Child:
    """A process that runs as long as the demo.

    Args:
        name: What a person calls it.
        module: Its command line's module.
        arguments: Its arguments.
        environment: Its settings.
        log: Where its output goes.
    """

    def __init__(
        self, name: str, module: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        self.log = log
        self._command = (sys.executable, "-m", module, *arguments)
        self._environment = _environment(environment)
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it in a session of its own, so that a Ctrl-C in the terminal reaches the demo alone."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )

    async def ready(self, url: str, timeout_s: float) -> None:
        """Wait until `url` answers with success.

        Raises:
            DemoError: It died, or did not answer in time.
        """
        try:
            async with asyncio.timeout(timeout_s), httpx.AsyncClient(trust_env=False) as client:
                while not await _answers(client, url):
                    self.check()
                    await asyncio.sleep(_READY_POLL_S)
        except TimeoutError as late:
            raise DemoError(
                f"{self.name} was not ready after {timeout_s:.0f} s. The end of {self.log}:\n{tail(self.log)}"
            ) from late

    def check(self) -> None:
        """See that it still runs.

        Raises:
            DemoError: It ended by itself.
        """
        status = self._process.returncode if self._process else None
        if status is not None:
            raise DemoError(f"{self.name} ended with exit status {status}. The end of {self.log}:\n{tail(self.log)}")

    async def stop(self) -> None:
        """End it: SIGTERM, and SIGKILL when it does not listen. Safe to call twice."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()
        except asyncio.CancelledError:
            process.kill()
            raise


async def _answers(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url, timeout=2)).is_success
    except httpx.HTTPError:
        return False
