"""Keeps the broker's password file what the database says, wherever an edge was enrolled or shut out."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path

import structlog

from cloud.db.database import Database
from cloud.enrolment.service.broker import SALT_BYTES, hash_of, password_lines, write_password_file

LOOK_EVERY_S = 2.0

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PasswordFile:
    """Where it is, and who we are ourselves at the broker."""

    file: Path
    username: str
    password: str


async def keep_password_file(database: Database, kept: PasswordFile) -> None:
    """Work until cancelled."""
    own = own_line(kept)
    while True:
        try:
            if await asyncio.to_thread(_write, database, kept, own):
                _log.info("broker_logins_written", file=str(kept.file))
        except Exception:  # noqa: BLE001 - the task's border: a database or a disk that is away comes back
            _log.exception("broker_logins_not_written")
        await asyncio.sleep(LOOK_EVERY_S)


def own_line(kept: PasswordFile) -> str:
    """Our own line, the same in each process: replicas that share the file do not write it in turn."""
    salt = hashlib.sha256(f"gardu-cloud {kept.username}".encode()).digest()[:SALT_BYTES]
    return f"{kept.username}:{hash_of(kept.password, salt)}"


def lines_beside(own: str, edges: list[str]) -> list[str]:
    """All lines: ours, and those of the edges, but for one that would sign in as us, with all that we may do."""
    user = own.partition(":")[0]
    return [own, *(line for line in edges if line.partition(":")[0] != user)]


def _write(database: Database, kept: PasswordFile, own: str) -> bool:
    edges = password_lines(database)
    lines = lines_beside(own, edges)
    wrote = write_password_file(kept.file, lines)
    if wrote and len(lines) <= len(edges):
        hint = "Give the cloud another GARDU_CLOUD_MQTT_USERNAME: a site has the same name."
        _log.error("broker_login_left_out", site=kept.username, hint=hint)
    return wrote
