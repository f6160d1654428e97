"""What the link promises under faults, and what was measured: docs/measured.json beside this file has the figures."""

# ruff: noqa: INP001 - a folder of the tree that is never installed

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docs.markdown import page, table

MEASURED = Path(__file__).parent / "measured.json"
"""Written by `make faults`, and by nothing else."""

NOT_YET = "not measured yet"


@dataclass(frozen=True, slots=True)
class Row:
    """One fault, and what must hold."""

    fault: str
    promise: str


ROWS = {
    "edge-killed": Row(
        "The edge is killed (`kill -9`) at random moments under load",
        "0 lost, 0 doubled; first CALLRESULT after the restart within 5 s",
    ),
    "power-cut": Row(
        "The power is cut: what was not synced is thrown away",
        "0 acknowledged records lost; with `synchronous=OFF`, a control, some are",
    ),
    "cloud-killed": Row("The cloud or its PostgreSQL is killed between insert, commit and answer", "0 lost, 0 doubled"),
    "link": Row(
        "The line has latency, loss, resets, tiny slices, black holes, each way",
        "0 lost, 0 doubled; new ledger events are in the cloud within 2 s (p95) once it is well again",
    ),
    "backlog": Row(
        "30 days offline, 1.7 million events",
        "drained at 5,000 events/s or more, transactions within 60 s; live picture p95 below 2 s; edge below 200 MB",
    ),
    "disk-full": Row(
        "The disk is full",
        "0 ledger events lost; every missing sample within a `Skipped`; recovers by itself",
    ),
    "clock": Row("The clock is wrong by 10 years back, 1 year ahead, 1 hour back", "order kept; nothing expires by it"),
    "restored": Row(
        "An edge is restored, re-imaged or cloned; a cloud is restored to an earlier state",
        "no number used twice; full replay without an operator, 0 lost, 0 doubled",
    ),
    "poison": Row(
        "Events that cannot be applied",
        "others are not delayed by more than 5 s; all are dead letters; redrive works",
    ),
    "commands": Row(
        "10,000 commands with duplicates, reconnects and crashes",
        "0 run twice, 0 late, all end in a final state",
    ),
    "broker-wiped": Row("The broker forgets everything after its PUBACK", "0 lost, 0 doubled"),
    "herd": Row("500 edges come back at once", "every transaction in the cloud within 5 min; ingest p99 below 500 ms"),
    "explored": Row(
        "Delivery, cursor, epoch and commands in orders that chance chooses: reordering, duplication, loss, crashes",
        "cursor monotone within an epoch; acknowledged ≤ committed; no number reused; no command run twice",
    ),
}
"""By key; a test names the key when it records what it measured."""


def guarantees() -> str:
    """Write the page: the newest measurement of each row, or that there is none."""
    measured: dict[str, dict[str, Any]] = json.loads(MEASURED.read_text(encoding="utf-8"))
    machines = sorted({line["machine"] for parts in measured.values() for line in parts.values()})
    return page(
        "Guarantees, measured",
        """
        What the link promises under each fault, and what a run measured. A judge outside both processes keeps a ledger
        of every record that a charge point was told is stored, and holds it against what the edge and the cloud have.
        `make faults` runs all rows in their full size and writes this page; `make test` runs a short form of each.
        What must hold about records and commands is asserted in every run. A speed is a goal: whether it was reached
        stands beside the figure, and depends on the machine. A row whose run failed says so.
        """,
        table(("Fault", "What must hold", "Measured"), _rows(measured, machines)),
        "## Machines",
        "\n".join(f"{number}. {machine}" for number, machine in enumerate(machines, 1)) or NOT_YET,
    )


def _rows(measured: dict[str, dict[str, Any]], machines: list[str]) -> list[tuple[str, str, str]]:
    return [
        (row.fault, row.promise, "<br>".join(_measured(measured.get(key, {}), machines)) or NOT_YET)
        for key, row in ROWS.items()
    ]


def _measured(parts: dict[str, Any], machines: list[str]) -> list[str]:
    return [
        f"{f'*{part}*: ' if part else ''}{_outcome(line)} "
        f"({'' if line['full'] else 'short form; '}{line['at']}, commit {line['commit']}, "
        f"machine {machines.index(line['machine']) + 1})"
        for part, line in sorted(parts.items())
    ]


def _outcome(line: dict[str, Any]) -> str:
    """Held or failed, and the figures; those of a failed run are what it had measured before it failed."""
    figures = ", ".join(_figure(name, value) for name, value in line["figures"].items())
    if line["failed"] is None:
        return f"**held**: {figures}"
    reason = line["failed"].replace("|", "\\|").replace("<", "&lt;")
    return f"**FAILED**: {reason}" + (f"; measured before: {figures}" if figures else "")


def _figure(name: str, value: str | float | dict[str, Any]) -> str:
    if isinstance(value, dict):
        return f"{name} {value['value']:,} (goal {'reached' if value['reached'] else 'MISSED'}: {value['goal']})"
    return f"{name} {value:,}" if isinstance(value, int | float) else f"{name} {value}"
