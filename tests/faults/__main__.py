"""Put what was measured into docs/measured.json and write the page: `python -m tests.faults build/figures.jsonl`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from docs.generate import REFERENCE
from docs.guarantees_page import MEASURED, ROWS, guarantees


def merged(measured: dict[str, Any], lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Let each line take the place of the older one of its row and part; a short form never that of a full one."""
    result = {row: dict(measured.get(row, {})) for row in ROWS}
    for line in lines:
        row, part = line.pop("row"), line.pop("part")
        before = result[row].get(part)
        if line["full"] or before is None or not before["full"]:
            result[row][part] = line
    return {row: parts for row, parts in result.items() if parts}


def main() -> None:
    """Read the figures of a run, merge them, write the page."""
    lines = [json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
    measured = merged(json.loads(MEASURED.read_text(encoding="utf-8")), lines)
    MEASURED.write_text(json.dumps(measured, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    page = REFERENCE / "guarantees.md"
    page.write_text(guarantees(), encoding="utf-8")
    print(f"{len(lines)} measurements: see {page.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
