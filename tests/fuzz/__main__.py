"""`make fuzz`: the coverage-guided fuzzer, hypothesis, and a running edge, 1,000,000 inputs in all."""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz import live
from tests.fuzz.targets import TARGETS
from tests.harness.processes import Edge

ROOT = Path(__file__).parents[2]
REPORT_EVERY = 5000


def main() -> int:
    """Run the three parts after one another; the exit status says whether all of them stood."""
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="how many in all (default 1,000,000)")
    parser.add_argument("--seed", type=int, default=1, help="of what the running edge is sent")
    chosen = parser.parse_args()
    live_inputs = chosen.inputs // 10
    tried = chosen.inputs // 10
    guided = chosen.inputs - live_inputs - tried
    with tempfile.TemporaryDirectory(prefix="gardu-fuzz-") as folder:
        failed = _guided(guided, Path(folder)) or _hypothesis(tried // len(TARGETS) + 1)
        if not failed:
            asyncio.run(_live(live_inputs, chosen.seed, Path(folder)))
    return failed


def _guided(runs: int, folder: Path) -> int:
    if importlib.util.find_spec("atheris") is None:
        print("[fuzz] atheris has no wheel for this Python or machine; hypothesis runs alone")
        return int(os.environ.get("CI") == "true")
    print(f"[fuzz] 1/3 coverage-guided: {runs:,} inputs", flush=True)
    command = [sys.executable, "-m", "tests.fuzz.guided", str(folder / "corpus"), str(runs)]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    for finding in folder.glob("*-*"):  # crash-…, timeout-…, oom-…
        finding.replace(ROOT / finding.name)
        print(f"[fuzz] found: {finding.name}")
    return status


def _hypothesis(examples: int) -> int:
    print(f"[fuzz] 2/3 hypothesis: {len(TARGETS)} targets with {examples:,} inputs each", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", "--timeout=0", "tests/fuzz", "-k", "any_input"]
    environment = os.environ | {"GARDU_FUZZ_EXAMPLES": str(examples)}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


async def _live(inputs: int, seed: int, folder: Path) -> None:
    print(f"[fuzz] 3/3 a running edge: {inputs:,} inputs while a charge point charges", flush=True)
    sent = 0

    def progress(more: int) -> None:
        nonlocal sent
        if (sent + more) // REPORT_EVERY > sent // REPORT_EVERY:
            print(f"[fuzz] {sent + more:,} sent, {live.resident_kib(edge.pid) // 1024} MiB resident", flush=True)
        sent += more

    with Edge.create(folder / "edge", LOG__LEVEL="ERROR").start() as edge:
        await live.fuzz(edge, inputs * 9 // 10, inputs - inputs * 9 // 10, seed=seed, progress=progress)
    assert "Traceback" not in edge.log.read_text(), edge.log.read_text()[:6000]
    print("[fuzz] nothing fell, nothing hung, nobody was disturbed")


if __name__ == "__main__":
    sys.exit(main())
