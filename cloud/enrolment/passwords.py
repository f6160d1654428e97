"""Keeps the broker's password file what the database says, wherever an edge was enrolled or shut out."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from pathlib import Path

import structlog

from cloud.db.database import Database
from cloud.enrolment.service.broker import hash_of, password_lines, write_password_file

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
    own = f"{kept.username}:{hash_of(kept.password, secrets.token_bytes(12))}"
    while True:
        try:
            if await asyncio.to_thread(_write, database, kept.file, own):
                _log.info("broker_logins_written", file=str(kept.file))
        except Exception:  # noqa: BLE001 - the task's border: a database or a disk that is away comes back
            _log.exception("broker_logins_not_written")
        await asyncio.sleep(LOOK_EVERY_S)


def _write(database: Database, file: Path, own: str) -> bool:
    return write_password_file(file, [own, *password_lines(database)])
