"""What is known of charge points by vendor, model and firmware: `quirks.yaml`, read once, as flags with plain defaults.

A charge point of which nothing is known has the defaults, which are the standard's own. Several rows may fit one: they
are laid over each other in the order of the file, the later over the earlier.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.resources import files
from typing import Annotated, Any

import orjson
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict

from edge.ocpp16.quirk_flags import AWAITING_LOAD_MANAGEMENT, Quirks

__all__ = ["STANDARD", "File", "General", "Quirks", "Row", "general", "load", "merged", "quirks_of", "rows"]

Glob = str
"""`*` stands for any text, `?` for one character; case does not matter."""

_CONFIGURED = 1000
"""Sets of (vendor, model, firmware) that are remembered: more than a site has."""
_BOUND = re.compile(r"(<=|>=|<|>|==)\s*(\d[\w.\-]*)")


def _as_tuple(given: object) -> object:
    return (given,) if isinstance(given, str) else tuple(given) if isinstance(given, list) else given


class Row(BaseModel):
    """One row of `quirks.yaml`: whom it is about, and what is different there."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    vendor: Annotated[tuple[Glob, ...], BeforeValidator(_as_tuple)]
    model: Annotated[tuple[Glob, ...], BeforeValidator(_as_tuple)] = ("*",)
    firmware: str = ""
    """Bounds, all of which hold, for example `>=6.4, <6.5`; empty: every firmware."""
    why: str
    """What it does otherwise."""
    does: str
    """What Gardu does about it today."""
    source: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
    example: tuple[str, str, str | None]
    """A vendor, model and firmware that the row is about, as a BootNotification gives them."""
    flags: dict[str, Any] = {}
    general: tuple[str, ...] = ()
    """Names of general rules that cover it without a flag."""

    @property
    def awaiting_load_management(self) -> list[str]:
        """Name its flags that nothing reads before there is load management."""
        return [flag for flag in self.flags if flag in AWAITING_LOAD_MANAGEMENT]

    def fits(self, vendor: str, model: str, firmware: str | None) -> bool:
        """Whether the row is about such a charge point. A firmware that is not known may be any: the row holds."""
        return (
            any(_matches(glob, vendor) for glob in self.vendor)
            and any(_matches(glob, model) for glob in self.model)
            and (not firmware or _within(self.firmware, firmware))
        )


class General(BaseModel):
    """A peculiarity that needs no flag: what is done about it is done for every charge point."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    seen_at: str
    what: str
    source: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
    test: str
    """The test that holds it: `path/of/file.py::name_of_function`."""


class File(BaseModel):
    """The whole of `quirks.yaml`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    rows: tuple[Row, ...]
    general: tuple[General, ...]


STANDARD = Quirks()
"""A charge point of which nothing is known."""


@lru_cache(maxsize=_CONFIGURED)
def quirks_of(vendor: str | None, model: str | None, firmware: str | None) -> Quirks:
    """Give what is known of a charge point, by what its BootNotification said; `None`: it did not say."""
    if vendor is None and model is None:
        return STANDARD
    fitting = [row for row in rows() if row.fits(vendor or "", model or "", firmware)]
    return merged(fitting) if fitting else STANDARD


def merged(some: list[Row]) -> Quirks:
    """Lay rows over each other."""
    flags: dict[str, Any] = {}
    for row in some:
        advice = (*flags.get("advice", ()), *row.flags.get("advice", ()))
        flags |= row.flags
        if advice:
            flags["advice"] = advice
    return _checked(flags)


def rows() -> tuple[Row, ...]:
    """Give the rows of `quirks.yaml`, in order.

    Raises:
        ValueError: the file breaks its own rules.
    """
    return _file().rows


def general() -> tuple[General, ...]:
    """Give what needs no flag."""
    return _file().general


@cache
def _file() -> File:
    return load((files("edge.ocpp16") / "quirks.yaml").read_text(encoding="utf-8"))


def load(text: str) -> File:
    """Read and check a file of quirks.

    Raises:
        ValueError: a field or flag is unknown or of a wrong type, a name is used twice, a range cannot be read, a row
            changes nothing and names no general rule.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the fast one, where the library was built with it
    parsed = yaml.load(text, loader)  # noqa: S506 - both are safe
    file = File.model_validate_json(orjson.dumps(parsed))
    names = [row.name for row in file.rows] + [one.name for one in file.general]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"Names are used twice: {', '.join(twice)}")
    rules = {one.name for one in file.general}
    for row in file.rows:
        if not row.flags and not row.general:
            raise ValueError(f"{row.name} has no flag, and no general rule covers it.")
        if unknown := sorted(set(row.general) - rules):
            raise ValueError(f"{row.name} names general rules that there are not: {', '.join(unknown)}")
        _checked(row.flags)
        _bounds(row.firmware)
    return file


def _checked(flags: dict[str, Any]) -> Quirks:
    return Quirks.model_validate_json(orjson.dumps(flags))


def _matches(glob: Glob, text: str) -> bool:
    return _pattern(glob).fullmatch(text.strip()) is not None


@cache
def _pattern(glob: Glob) -> re.Pattern[str]:
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", glob))
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def _within(bounds: str, firmware: str) -> bool:
    version = _version(firmware)
    return all(_holds(version, sign, bound) for sign, bound in _bounds(bounds))


def _holds(version: tuple[int, ...], sign: str, bound: tuple[int, ...]) -> bool:
    length = max(len(version), len(bound))
    left = version + (0,) * (length - len(version))
    right = bound + (0,) * (length - len(bound))
    match sign:
        case "<=":
            return left <= right
        case ">=":
            return left >= right
        case "<":
            return left < right
        case ">":
            return left > right
        case _:
            return left == right


def _bounds(text: str) -> list[tuple[str, tuple[int, ...]]]:
    found = [_BOUND.fullmatch(part.strip()) for part in text.split(",") if part.strip()]
    if not all(found):
        raise ValueError(f"{text!r} is no range of firmware; write it as '>=6.4, <6.5'.")
    return [(bound[1], _version(bound[2])) for bound in found if bound is not None]


def _version(text: str) -> tuple[int, ...]:
    """Read the numbers of a version, whatever stands between them."""
    return tuple(int(number) for number in re.findall(r"\d{1,9}", text))
