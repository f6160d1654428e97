"""A PostgreSQL of a test's own that can be killed and started again, its data kept and synced as in earnest."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.cloud.postgres import _somebody, require_postgres


class Postgres:
    """One server: `kill` is a crash of it (`pg_ctl stop -m immediate`), `start` recovers from its log."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._user = _somebody()
        if self._user:
            shutil.chown(folder, self._user)
        self._run("initdb", "-U", "gardu", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")

    @property
    def url(self) -> str:
        return f"postgresql://gardu@/postgres?host={self._folder}"

    @property
    def pid(self) -> int:
        return int((self._folder / "data" / "postmaster.pid").read_text().split()[0])

    def start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories={self._folder} -c max_connections=100"
        self._run("pg_ctl", "-w", "-l", str(self._folder / "log"), "-o", options, "start")

    def kill(self) -> None:
        self._run("pg_ctl", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._programs / program), "-D", str(self._folder / "data"), *arguments],
            check=True,
            user=self._user,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin"},
        )


@contextmanager
def killable_postgres() -> Iterator[Postgres]:
    """Run one; where `CI=true` it is a failure that there is none on this machine."""
    programs = require_postgres()
    folder = Path(tempfile.mkdtemp(prefix="gardu-pg-", dir="/tmp"))
    try:
        server = Postgres(programs, folder)
        server.start()
        try:
            yield server
        finally:
            server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
