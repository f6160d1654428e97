"""The demo from outside, as a person or a pipeline runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(240)


def _heed_interrupts() -> None:
    """Undo what a shell does to processes in its background: they inherit that SIGINT is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def running_demo(tmp_path: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The demo, with its folder below `tmp_path`; killed if a test leaves it behind."""
    demo = subprocess.Popen(
        [sys.executable, "-m", "simulator.cli", "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        preexec_fn=_heed_interrupts,  # noqa: PLW1509 - a system call, and nothing else, between fork and exec
    )
    try:
        yield demo
    finally:
        demo.kill()
        demo.wait()


def children(demo: subprocess.Popen[str]) -> dict[str, int]:
    """Process ids of the demo's children, by their module."""
    found = subprocess.run(["pgrep", "-P", str(demo.pid), "-a"], capture_output=True, text=True, check=False).stdout
    return {line.split()[3]: int(line.split()[0]) for line in found.splitlines() if len(line.split()) > 3}


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def started(demo: subprocess.Popen[str]) -> dict[str, int]:
    """Wait until the story has begun."""
    assert demo.stderr is not None
    for line in demo.stderr:
        if "charge points boot" in line:
            return children(demo)
    raise AssertionError("the story never began")


def test_bounded_demo_loses_nothing_doubles_nothing_and_cleans_up(tmp_path: Path) -> None:
    with running_demo(tmp_path, "--for", "30", "--json") as demo:
        output, errors = demo.communicate()
    assert demo.returncode == 0, errors
    result = json.loads(output.splitlines()[-1])
    assert len(output.splitlines()) == 1
    assert (result["lost"], result["doubled"]) == (0, 0)
    assert result["commands"]["sent"] == result["commands"]["succeeded"] >= 9
    assert result["outage_s"] > 0
    assert result["started_during_outage"] > 0
    assert {site["site"] for site in result["sites"]} == {"engineering", "library"}
    for site in result["sites"]:
        assert site["transactions_charge_points"] == site["transactions_edge"] == site["transactions_cloud"] > 2
        assert site["energy_wh_charge_points"] == site["energy_wh_edge"] == site["energy_wh_cloud"] > 0
    assert not list(tmp_path.iterdir())


def test_interrupted_demo_ends_its_processes_without_a_traceback(tmp_path: Path) -> None:
    with running_demo(tmp_path, "--for", "60", "--json") as demo:
        pids = started(demo)
        demo.send_signal(signal.SIGINT)
        _, errors = demo.communicate(timeout=90)
    assert demo.returncode == 130
    assert "Traceback" not in errors
    assert len(pids) >= 2
    assert not any(alive(pid) for pid in pids.values())
    assert not list(tmp_path.iterdir())


def test_demo_whose_process_dies_says_so_and_keeps_the_logs(tmp_path: Path) -> None:
    with running_demo(tmp_path, "--for", "60", "--json") as demo:
        pids = started(demo)
        time.sleep(1)
        os.kill(pids["cloud.cli"], signal.SIGKILL)
        output, errors = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert "the cloud ended with exit status -9" in errors
    assert "Traceback" not in errors
    assert not output
    (folder,) = tmp_path.iterdir()
    assert str(folder) in errors
    assert (folder / "cloud.log").exists()
