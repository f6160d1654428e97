"""The drain of a backlog: a real edge, a real cloud on a PostgreSQL of its own (fsync on), charge points charging.

`make bench` runs it last. A leg fills an edge, then lets its cloud come back, near or behind 50 ms of round trip. The
default is as much as two legs take in about a minute at the goal; with `make bench BACKLOG="--events 1700000"` it is 30
days of a building. The machine carries edge, cloud, PostgreSQL and charge points: what is left for each depends on its
cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.faults.backlog import LEGS, Backlog, Drained, drain
from tests.harness.postgres import killable_postgres
from tests.harness.tcp_proxy import Weather
from tests.integration.cloud.postgres import binaries

EVENTS = 150_000
GOAL_EVENTS_PER_S, GOAL_LEDGER_S, GOAL_MB, GOAL_LIVE_S = 5_000, 60.0, 200.0, 2.0


def measure(backlog: Backlog, weather: Weather) -> Drained:
    """Drain it once."""
    with killable_postgres() as postgres, tempfile.TemporaryDirectory() as folder:
        return asyncio.run(drain(postgres, Path(folder), backlog, weather))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.backlog")
    parser.add_argument("--events", type=int, default=EVENTS, help="of each leg")
    parser.add_argument("--leg", choices=list(LEGS), action="append", help="one leg alone; may be repeated")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    chosen = parser.parse_args()
    if binaries() is None:
        raise SystemExit("The benchmark needs PostgreSQL's initdb and pg_ctl.")
    backlog, results = Backlog.of(chosen.events), dict[str, Drained]()
    for leg in chosen.leg or LEGS:
        print(f"Backlog of {backlog.events:,} events, {leg}", file=sys.stderr, flush=True)
        results[leg] = measure(backlog, LEGS[leg])
    show(results)
    if chosen.json:
        print(json.dumps({leg: asdict(seen) | {"events_per_s": seen.events_per_s} for leg, seen in results.items()}))


def show(results: dict[str, Drained]) -> None:
    """Print the table."""
    titles = f"{'events/s':>10}{'ledger s':>10}{'edge MB':>9}{'live p95 s':>12}{'edge, cloud µs CPU/event':>26}"
    print(f"\n{'backlog':<20}{titles}")
    for leg, seen in results.items():
        cpu = f"{1e6 * seen.edge_cpu_s / seen.events:.0f}, {1e6 * seen.cloud_cpu_s / seen.events:.0f}"
        print(
            f"{leg:<20}{seen.events_per_s:>10,.0f}{seen.ledger_after_s:>10.1f}{seen.peak_mb:>9.0f}"
            f"{seen.live_p95_s:>12.2f}{cpu:>26}"
        )
        reached = (
            seen.events_per_s >= GOAL_EVENTS_PER_S
            and seen.ledger_after_s < GOAL_LEDGER_S
            and seen.peak_mb < GOAL_MB
            and seen.live_p95_s < GOAL_LIVE_S
        )
        print(f"{'':<20}{'goals reached' if reached else 'goals NOT reached'}")
    print(
        f"goals: {GOAL_EVENTS_PER_S:,} events/s, ledger within {GOAL_LEDGER_S:.0f} s, edge below {GOAL_MB:.0f} MB, "
        f"live p95 below {GOAL_LIVE_S:.0f} s\n"
    )


if __name__ == "__main__":
    main()
