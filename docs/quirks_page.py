"""What is known of charge points, from the file that the edge reads."""

# ruff: noqa: INP001 - a folder of the tree that is never installed

from __future__ import annotations

import json
from collections.abc import Iterable

from docs.markdown import page, table
from edge.ocpp16.quirk_flags import AWAITING_LOAD_MANAGEMENT
from edge.ocpp16.quirks import Quirks, Row, general, rows


def quirks() -> str:
    """Write every row and every flag."""
    return page(
        "Charge points that differ",
        """
        What charge points of some vendors, models and firmwares do otherwise than OCPP 1.6 expects, as
        `edge/ocpp16/quirks.yaml` has it. A charge point is recognised by its BootNotification; rows that fit it are
        laid over each other, the later over the earlier. What was seen of one firmware need not hold for another.
        """,
        "## By vendor\n\n"
        "Flags in italics wait for load management: nothing reads them yet. What is done about a row without a flag is"
        " done for every charge point, by the rules further down.\n\n"
        + table(
            ("Vendor", "Model", "Firmware", "What is different", "What Gardu does", "Flags", "Rules", "Seen at"),
            (
                (
                    _code(row.vendor),
                    _code(row.model),
                    f"`{row.firmware}`" if row.firmware else "every",
                    row.why,
                    row.does,
                    _flags(row),
                    ", ".join(row.general),
                    ", ".join(row.source),
                )
                for row in rows()
            ),
        ),
        "## Advice for those who install\n\n"
        + table(
            ("Vendor", "Model", "Advice"),
            (
                (_code(row.vendor), _code(row.model), " ".join(row.flags["advice"]))
                for row in rows()
                if "advice" in row.flags
            ),
        ),
        "## Done for every charge point\n\n"
        + table(
            ("Rule", "What", "First seen at", "Source", "Test"),
            (
                (one.name, one.what, one.seen_at, ", ".join(one.source), f"`{one.test.partition('::')[2]}`")
                for one in general()
            ),
        ),
        "## Flags\n\n" + _meanings(name for name in Quirks.model_fields if name not in AWAITING_LOAD_MANAGEMENT),
        "## Flags that wait for load management\n\n"
        "What is known of limits. Nothing reads these flags before Gardu shares a building's current among its"
        " connectors; until then profiles are sent, and answers given, as they come.\n\n"
        + _meanings(name for name in Quirks.model_fields if name in AWAITING_LOAD_MANAGEMENT),
    )


def _flags(row: Row) -> str:
    waiting = row.awaiting_load_management
    named = {flag: f"`{flag}`: {_value(value)}" for flag, value in row.flags.items() if flag != "advice"}
    return ", ".join(f"*{text}*" if flag in waiting else text for flag, text in named.items())


def _meanings(names: Iterable[str]) -> str:
    fields = Quirks.model_fields
    return table(
        ("Flag", "Standard", "Meaning"),
        ((f"`{name}`", _value(fields[name].get_default()), fields[name].description or "") for name in names),
    )


def _code(globs: tuple[str, ...]) -> str:
    return ", ".join(f"`{glob}`" for glob in globs)


def _value(value: object) -> str:
    return "none" if value is None else f"`{json.dumps(value)}`"
