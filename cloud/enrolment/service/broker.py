"""Passwords at the MQTT broker: told once to the edge, and kept as the lines of Mosquitto's password file."""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import tempfile
from datetime import datetime
from pathlib import Path

from cloud.db.database import Database, Unit
from cloud.enrolment import repository
from contract.enrolment import BrokerLogin

ITERATIONS = 101
"""As mosquitto_passwd has it. Our passwords have 256 bits, so more rounds would protect nothing."""
SALT_BYTES = 12
_PASSWORD_BYTES = 32


def give_login(unit: Unit, edge: str, now: datetime) -> BrokerLogin:
    """Make an edge's password at the broker, in the place of the one before."""
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    repository.set_broker_login(unit, edge, hash_of(password, secrets.token_bytes(SALT_BYTES)), now)
    return BrokerLogin(username=edge, password=password)


def hash_of(password: str, salt: bytes) -> str:
    """What Mosquitto stores of a password: PBKDF2 with SHA-512, as `$7$rounds$salt$hash`."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return f"$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def password_lines(database: Database) -> list[str]:
    """A line `user:hash` for each enrolled edge, for Mosquitto's password file."""
    with database.read() as unit:
        return [f"{row.site_id}:{row.hash}" for row in repository.broker_logins(unit)]


def write_password_file(file: Path, lines: list[str]) -> bool:
    """Bring a password file up to date; who reads it sees the old one or the new one, never a half.

    Returns:
        Whether it changed: Mosquitto reads it again after a SIGHUP.
    """
    content = "".join(f"{line}\n" for line in lines)
    try:
        if file.read_text() == content:
            return False
    except FileNotFoundError:
        pass
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # with mode 0600
    fresh = Path(name)
    try:
        with os.fdopen(handle, "w") as open_file:
            open_file.write(content)
            open_file.flush()
            os.fsync(open_file.fileno())
        if file.exists():
            fresh.chmod(file.stat().st_mode & 0o777)  # a group that the broker is in stays able to read it
            os.chown(fresh, -1, file.stat().st_gid)
        fresh.replace(file)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return True
