"""A private PostgreSQL for tests: its own directory, a Unix socket only, thrown away afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def binaries() -> Path | None:
    """The folder of initdb and pg_ctl; `None`: there is no PostgreSQL on this machine."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "pg_ctl").exists()), None)


def require_postgres() -> Path:
    """Find its programs; where `CI=true` their absence is a failure."""
    found = binaries()
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs PostgreSQL's initdb and pg_ctl")
        pytest.skip("PostgreSQL (initdb, pg_ctl) is not installed: the tests on it are left out")
    return found


def _somebody() -> str | None:
    """PostgreSQL refuses to run as root: then the user to run it as."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


class Cluster:
    """A running server that makes databases."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def url(self, name: str) -> str:
        return f"postgresql://gardu@/{name}?host={self._folder}"


@contextmanager
def cluster(bin_folder: Path, *, durable: bool = False) -> Iterator[Cluster]:
    """Run a server for a while. Unless `durable`, it may forget on a power cut; the tests here do not cut the power."""
    folder = Path(tempfile.mkdtemp(prefix="gardu-pg-", dir="/tmp"))
    user = _somebody()
    if user:
        shutil.chown(folder, user)
    data = folder / "data"

    def run(program: str, *arguments: str) -> None:
        command = [str(bin_folder / program), *arguments]
        subprocess.run(
            command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL, env={"PATH": "/usr/bin:/bin"}
        )

    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c max_connections=300"
    options += "" if durable else " -c fsync=off"
    try:
        run("initdb", "-D", str(data), "-U", "gardu", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        run("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
        yield Cluster(folder)
    finally:
        run("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
