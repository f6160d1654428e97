"""Put what was measured into docs/measured.json and write the page: `python -m tests.faults build/figures.jsonl`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from docs.generate import REFERENCE
from docs.guarantees_page import MEASURED, ROWS, guarantees

NO_END = "the run did not come to its end"
ABOUT = ("full", "test", "at", "commit", "machine")


def outcomes(lines: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """What became of each row and part in a run. One that began has failed until it is told that it passed."""
    told: dict[tuple[str, str], dict[str, Any]] = {}
    for line in lines:
        key = (line["row"], line["part"])
        match line["what"]:
            case "begun":
                told[key] = {"figures": {}, "failed": NO_END}
            case "measured":
                told[key]["figures"] |= line["figures"]
            case "passed" if told[key]["failed"] == NO_END:
                told[key]["failed"] = None
            case "failed":
                told[key]["failed"] = line["reason"]
            case "skipped":
                del told[key]
                continue
        told[key] |= {name: line[name] for name in ABOUT}
    return told


def merged(measured: dict[str, Any], lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Let each outcome take the place of the older one; a short form that passed never that of a full one."""
    result = {row: dict(measured.get(row, {})) for row in ROWS}
    for (row, part), outcome in outcomes(lines).items():
        before = result[row].get(part)
        if outcome["failed"] or outcome["full"] or before is None or not before["full"]:
            result[row][part] = outcome
    return {row: parts for row, parts in result.items() if parts}


def main() -> None:
    """Read the figures of a run, merge them, write the page."""
    lines = [json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
    measured = merged(json.loads(MEASURED.read_text(encoding="utf-8")), lines)
    MEASURED.write_text(json.dumps(measured, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    page = REFERENCE / "guarantees.md"
    page.write_text(guarantees(), encoding="utf-8")
    print(f"{len(outcomes(lines))} rows: see {page.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
