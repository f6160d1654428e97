"""A disk whose power can be cut: ext4 in a file, mounted through a loop device.

What was written and not synced lives in memory alone, so a copy of the file is what a disk has after a power cut. A
process that is only killed loses nothing of that kind.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

SIZE_MIB = 640
LOOP_CONTROL = Path("/dev/loop-control")


def _left_out(why: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def require_mounting() -> None:
    """Go on where this user may mount file systems; where `CI=true` it is a failure that it may not."""
    if os.geteuid() != 0:
        _left_out("Mounting takes root: this fault is left out")


class CuttableDisk:
    """A mounted file system and the file behind it."""

    def __init__(self, folder: Path) -> None:
        self.mounted = folder / "disk"
        self._folder = folder
        self._images = 0
        self._image = self._next_image()

    @classmethod
    @contextmanager
    def create(cls, folder: Path, *, size_mib: int = SIZE_MIB) -> Iterator[CuttableDisk]:
        """Make and mount one; it is gone at the end."""
        require_mounting()
        if not LOOP_CONTROL.exists() or shutil.which("mkfs.ext4") is None:
            _left_out("There are no loop devices or no mkfs.ext4: this fault is left out")
        disk = cls(folder)
        disk.mounted.mkdir(parents=True)
        with disk._image.open("wb") as image:
            image.truncate(size_mib * 1024 * 1024)
        _run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", str(disk._image))
        disk._mount()
        try:
            yield disk
        finally:
            disk._unmount()

    def copy(self) -> Path:
        """Copy what is on the disk at this moment; whoever writes must be stopped."""
        copy = self._next_image()
        _run("cp", "--sparse=always", str(self._image), str(copy))
        return copy

    def sync(self) -> None:
        """Bring to the disk all that was written so far."""
        _run("sync", "-f", str(self.mounted))

    def put_in(self, image: Path) -> None:
        """Mount a copy in the place of the disk; whoever used that must be gone."""
        self._unmount()
        self._image.unlink()
        self._image = image
        self._mount()

    def _next_image(self) -> Path:
        self._images += 1
        return self._folder / f"disk-{self._images}.ext4"

    def _mount(self) -> None:
        # commit=600: the file system itself syncs its journal rarely, so that nothing is saved by chance
        _run("mount", "-o", "loop,commit=600", str(self._image), str(self.mounted))

    def _unmount(self) -> None:
        _run("umount", str(self.mounted))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


@contextmanager
def small_disk(folder: Path, *, size_mib: int) -> Iterator[Path]:
    """Mount a file system of a few MiB in `folder`, to be filled up."""
    require_mounting()
    folder.mkdir(parents=True, exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "gardu-test", str(folder))
    try:
        yield folder
    finally:
        _run("umount", "--lazy", str(folder))


def fill_up(disk: Path, *, leave_bytes: int = 0) -> Path:
    """Let a file take all the space but for so many bytes, or give back what it took of them."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        volume = os.statvfs(disk)
        left = volume.f_bavail * volume.f_frsize - leave_bytes
        if left < 0:
            file.truncate(max(0, file.tell() + left))
        try:
            while left > 0:
                left -= file.write(bytes(min(left, 1024 * 1024)))
        except OSError:
            pass  # somebody else was faster: it is full
    return filler
