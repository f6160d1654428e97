"""A file that arrives part by part: written as it comes, bounded, and gone again when it does not come whole."""

from __future__ import annotations

import asyncio
import hashlib
import os
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self


class FileTooLargeError(Exception):
    """More has come than there is room for."""


class ArrivingFile:
    """Use it in a `with` block: the file stays when the block ends well.

    Args:
        path: where it goes; its folder is made.
        most: bytes that are taken.
    """

    def __init__(self, path: Path, most: int) -> None:
        self._path = path
        self._most = most
        self._digest = hashlib.sha256()
        self.size = 0
        """Bytes that have come."""

    def __enter__(self) -> Self:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = self._path.open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._file.flush()
            os.fsync(self._file.fileno())
        self._file.close()
        if error is not None:
            self._path.unlink(missing_ok=True)

    async def take(self, part: bytes) -> None:
        """Write a part, beside the event loop: a card is slow.

        Raises:
            FileTooLargeError: it does not fit any more.
        """
        self.size += len(part)
        if self.size > self._most:
            raise FileTooLargeError
        await asyncio.to_thread(self._write, part)

    def _write(self, part: bytes) -> None:
        self._digest.update(part)
        self._file.write(part)

    @property
    def sha256(self) -> str:
        """Of what has come, in hexadecimal digits."""
        return self._digest.hexdigest()


def half_of(path: Path) -> Path:
    """Give a place for a file that is on its way to `path`; no two are the same."""
    return path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")


def used(folder: Path) -> int:
    """Count the bytes of all files in a folder; 0 where there is none."""
    return sum(one.stat().st_size for one in folder.iterdir()) if folder.is_dir() else 0
