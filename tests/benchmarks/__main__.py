"""`make bench`: the edge beside its peers, in turn, on the same machine: server on one core, load on another.

Prints a table and, with --json, one JSON object on the last line. Rounds alternate between the servers, since the
machine may be shared; ratios are taken within a round, and the median of the rounds counts.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import uvloop

from tests.benchmarks import wire
from tests.harness.processes import Edge, free_port

CHARGE_POINTS = 200
SERVER_CORE, LOAD_CORE = 0, 1
FLOORS = {"echo": 0.30, "package": 6.0}


@dataclass
class Result:
    """One server in one round."""

    rate: float
    """Answered messages per second."""
    p50_ms: float
    p99_ms: float


def measure(port: int, keys: dict[str, str], messages: Callable[[int], bytes], seconds: float) -> Result:
    """Load a server and see how it does."""
    tally, rate = uvloop.run(wire.run(port, keys, messages, seconds))
    if tally.wrong:
        raise SystemExit(f"wrong answer: {tally.wrong[0]!r}")
    latencies = sorted(tally.latencies_s)
    return Result(rate, 1e3 * latencies[len(latencies) // 2], 1e3 * latencies[int(len(latencies) * 0.99)])


@contextlib.contextmanager
def peer(kind: str) -> Iterator[int]:
    """Run one of the peers on the server's core."""
    port = free_port()
    command = [sys.executable, "-m", "tests.benchmarks.servers", kind, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=_on(SERVER_CORE)) as child:  # noqa: PLW1509
        try:
            assert child.stdout is not None
            child.stdout.readline()
            yield port
        finally:
            child.kill()


@contextlib.contextmanager
def edge(folder: Path, **settings: str) -> Iterator[tuple[Edge, dict[str, str]]]:
    """Run a real edge on the server's core, with all charge points known."""
    process = Edge.create(folder, **settings)
    with process.start():
        os.sched_setaffinity(process.pid, {SERVER_CORE})
        keys = {f"CP-{number}": process.add_charge_point(f"CP-{number}") for number in range(CHARGE_POINTS)}
        process.add_id_tag("TAG-1")
        for thread in Path(f"/proc/{process.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {SERVER_CORE})
        yield process, keys


def _on(core: int) -> Callable[[], None]:
    return lambda: os.sched_setaffinity(0, {core})


def meter_values(rounds: int, seconds: float) -> dict[str, list[Result]]:
    """Durable MeterValues per second: the edge, the bare echo, the package without storage."""
    results: dict[str, list[Result]] = {"edge": [], "echo": [], "package": []}
    with tempfile.TemporaryDirectory() as folder, edge(Path(folder)) as (process, keys):
        for number in range(1, rounds + 1):
            results["edge"].append(measure(process.central_system_port, keys, wire.meter_values, seconds))
            for kind in ("echo", "package"):
                with peer(kind) as port:
                    results[kind].append(measure(port, keys, wire.meter_values, seconds))
            shown = ", ".join(f"{name} {runs[-1].rate:,.0f}/s" for name, runs in results.items())
            print(f"  round {number} of {rounds}: {shown}", file=sys.stderr, flush=True)
    return results


def authorize(seconds: float) -> Result:
    """Authorize with a cloud that is dead: nothing listens on its port."""
    dead = {"cloud_url": f"http://127.0.0.1:{free_port()}", "cloud_secret": "nobody-is-there-to-read-this-secret"}
    with tempfile.TemporaryDirectory() as folder, edge(Path(folder), **dead) as (process, keys):
        return measure(process.central_system_port, keys, wire.authorize, seconds)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0, help="of load per server and round")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    chosen = parser.parse_args()
    if len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("The benchmark needs two cores: one for the server, one for the load.")
    began = time.monotonic()
    os.sched_setaffinity(0, {LOAD_CORE})
    print(f"MeterValues, {CHARGE_POINTS} charge points, one message in flight each", file=sys.stderr)
    results = meter_values(chosen.rounds, chosen.seconds)
    print("Authorize with a dead cloud", file=sys.stderr)
    authorized = authorize(chosen.seconds)
    ratios = {
        kind: statistics.median(
            ours.rate / theirs.rate for ours, theirs in zip(results["edge"], results[kind], strict=True)
        )
        for kind in FLOORS
    }
    show(results, ratios, authorized)
    print(f"measured in {time.monotonic() - began:.0f} s on {os.uname().machine}, Python {sys.version.split()[0]}")
    if chosen.json:
        rates = {name: round(statistics.median(run.rate for run in runs)) for name, runs in results.items()}
        print(json.dumps({"rates": rates, "ratios": ratios, "authorize_p99_ms": authorized.p99_ms}))


def show(results: dict[str, list[Result]], ratios: dict[str, float], authorized: Result) -> None:
    """Print the tables."""
    print(f"\n{'server':<40}{'messages/s':>12}{'p50 ms':>9}{'p99 ms':>9}")
    names = {
        "edge": "gardu-edge, each committed to disk",
        "echo": "bare websockets echo, nothing stored",
        "package": "ocpp package's ChargePoint, nothing stored",
    }
    for kind, name in names.items():
        runs = results[kind]
        rate, p50, p99 = (
            statistics.median(getattr(run, field) for run in runs) for field in ("rate", "p50_ms", "p99_ms")
        )
        print(f"{name:<40}{rate:>12,.0f}{p50:>9.1f}{p99:>9.1f}")
    print()
    for kind, floor in FLOORS.items():
        verdict = "reached" if ratios[kind] >= floor else "NOT reached"
        print(f"edge / {kind:<10}{ratios[kind]:>8.2f}   goal {floor:.2f}: {verdict}")
    print(
        f"\nAuthorize, {CHARGE_POINTS} charge points, dead cloud: {authorized.rate:,.0f}/s, "
        f"p50 {authorized.p50_ms:.1f} ms, p99 {authorized.p99_ms:.1f} ms\n"
    )


if __name__ == "__main__":
    main()
