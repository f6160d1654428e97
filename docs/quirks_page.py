"""What is known of charge points, from the file that the edge reads."""

# ruff: noqa: INP001 - a folder of the tree that is never installed

from __future__ import annotations

import json

from docs.markdown import page, table
from edge.ocpp16.quirks import Quirks, general, rows


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
        + table(
            ("Vendor", "Model", "Firmware", "What is different", "Flags", "Seen at"),
            (
                (
                    _code(row.vendor),
                    _code(row.model),
                    f"`{row.firmware}`" if row.firmware else "every",
                    row.why,
                    ", ".join(f"`{flag}`: {_value(value)}" for flag, value in row.flags.items() if flag != "advice"),
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
            ("What", "First seen at", "Source"), ((one.what, one.seen_at, ", ".join(one.source)) for one in general())
        ),
        "## Flags\n\n"
        + table(
            ("Flag", "Standard", "Meaning"),
            (
                (f"`{name}`", _value(field.get_default()), field.description or "")
                for name, field in Quirks.model_fields.items()
            ),
        ),
    )


def _code(globs: tuple[str, ...]) -> str:
    return ", ".join(f"`{glob}`" for glob in globs)


def _value(value: object) -> str:
    return "none" if value is None else f"`{json.dumps(value)}`"
