"""What this edge proves itself to the cloud with: a file beside the database; no copy of the database has it."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import Field, ValidationError

from contract.enrolment import BrokerLogin
from contract.model import Record
from edge.errors import StoreError


class StoredKey(Record):
    """An Ed25519 key."""

    key_id: str
    seed: str = Field(repr=False)
    """The private half: 32 bytes, base64url."""


class Credentials(Record):
    """The content of the file. It is on the disk before anything of it is sent."""

    edge: str
    """Our name; it is the site's."""
    cloud: str | None = None
    """Address of the cloud that we enrolled with."""
    key: StoredKey | None = None
    """What we sign with; `None`: not enrolled yet."""
    next_key: StoredKey | None = None
    """Made, and not yet accepted by the cloud as far as we know."""
    broker: BrokerLogin | None = Field(default=None, repr=False)
    """How we sign in at the MQTT broker."""
    tokens: list[str] = Field(default_factory=list)
    """SHA-256 of each enrolment token that was used, so that one that stays in the settings is not tried again."""


def fingerprint(token: str) -> str:
    """What is kept of a used token."""
    return hashlib.sha256(token.encode()).hexdigest()


class CredentialFile:
    """One file, read and replaced as a whole.

    Args:
        path: where it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Credentials | None:
        """Read it; `None`: there is none.

        Raises:
            StoreError: it cannot be read.
        """
        try:
            return Credentials.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except (ValidationError, OSError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is damaged"
            raise StoreError(
                f"The credentials of the link cannot be read from {self.path}: {why}.",
                hint="Put it back from where it came, or move it away and enrol this edge with a new token.",
            ) from None

    def write(self, credentials: Credentials) -> None:
        """Replace it; only this user may read it, and it is on the disk before this returns."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.path.with_name(f"{self.path.name}.new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(credentials.model_dump_json(indent=1).encode())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def version(self) -> tuple[int, int] | None:
        """Changes with each `write`; `None`: there is no file. Cheap."""
        try:
            seen = self.path.stat()
        except OSError:
            return None
        return seen.st_mtime_ns, seen.st_ino

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes of this edge from changing it meanwhile; reading goes on.

        Raises:
            StoreError: another one does.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path.with_name(f"{self.path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StoreError(
                    "This edge's credentials are being changed by another process.", hint="Wait a minute and try again."
                ) from None
            yield
        finally:
            os.close(descriptor)
