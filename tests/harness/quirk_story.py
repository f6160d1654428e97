"""What a charge point of a row of `quirks.yaml` sends and answers, and what the edge must make of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

FRAMES = Path(__file__).parents[1] / "conformance" / "quirk_frames"


class Strict(BaseModel):
    """A misspelled field is an error, or it would check nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(Strict):
    """One step; in texts stand `<now>`, `<now-60>`, `<bare-60>` (without a zone), `<number>`, `<tag>` and `<id>`."""

    says: str | None = None
    """A frame as it leaves."""
    hears: str | None = None
    """The frame that answers it; `"*"` for a value that may be any. `nothing`: it is passed over."""
    starts: dict[str, Any] | None = None
    """An ordinary StartTransaction; what is different in it."""
    stops: dict[str, Any] | None = None
    """An ordinary StopTransaction of the last start."""
    states: dict[str, Any] | None = None
    """A StatusNotification."""
    asked: str | None = None
    """The edge asks for this action by itself..."""
    rest: str | None = None
    """... or because of this REST request."""
    body: dict[str, Any] = {}
    saying: dict[str, Any] = {}
    """What its payload holds, among others."""
    lacking: list[str] = []
    answers: str = '[3,"<id>",{"status":"Accepted"}]'
    gets: dict[str, Any] | None = None
    """What REST answers, among others; with `refused`: the problem document."""
    refused: int | None = None
    """The edge itself refuses the REST request, and asks the charge point for nothing."""
    closes: bool = False
    """An operator ends the last transaction by hand."""
    boots: bool = False
    loses: dict[str, str] = {}
    """Configuration that is another one after this boot."""
    reconnects: bool = False
    dials: list[str] | None = None
    """Sub-protocols that it offers first, and is refused with."""
    rests_s: float = 0.0

    @model_validator(mode="after")
    def _is_checked(self) -> Step:
        if self.says is not None and self.hears is None:
            raise ValueError("say what answers the frame")
        if self.rest is not None and self.gets is None:
            raise ValueError("say what REST answers")
        return self


class Outcome(Strict):
    """What must be seen at the end, or come soon."""

    transactions: list[dict[str, Any]] | None = None
    """Oldest first, each by some of its fields; `running` says that it has no end."""
    samples: list[str] | None = None
    """The values of all samples of the oldest transaction."""
    connectors: dict[int, str] = {}
    quarantined: list[str] | None = None
    """The reasons, oldest first."""
    configuration: dict[str, str] = {}
    """What the charge point is set to."""
    never_set: list[str] = []
    reported: dict[str, str | None] = {}
    """What the edge shows of its configuration; `None`: a secret."""
    asked: dict[str, int] = {}
    """How often an action was asked for, all in all."""
    advice: list[str] = []
    first_call_after_s: float | None = None
    """After the answer to its boot."""
    local_list: list[str] | None = None
    """Id tags that are in it, among others."""
    longest_id_tag: int = 20
    """Of the local list, in characters."""

    @model_validator(mode="after")
    def _expects_something(self) -> Outcome:
        if not self.model_fields_set:
            raise ValueError("expect something")
        return self


class Story(Strict):
    """The frames of one row."""

    configuration: dict[str, str] = {"HeartbeatInterval": "300"}
    refuses: dict[str, str] = {}
    """Keys that ChangeConfiguration does not change, with its answer."""
    unknown_key: str | None = None
    """The frame that answers a GetConfiguration which names an unknown key."""
    list_version: int = -1
    headers: dict[str, str] = {}
    steps: list[Step] = []
    then: Outcome | None = None
    test: str | None = None
    """A test of its own, `file.py::function`, instead of the steps or beside them: where the line is the symptom."""

    @model_validator(mode="after")
    def _tells_something(self) -> Story:
        told = self.then is not None and (self.steps or "configuration" in self.model_fields_set)
        if not told and (self.test is None or self.steps or self.then is not None):
            raise ValueError("give the frames and what must come of them, or the test that plays them")
        return self


class _Frames(Strict):
    rows: dict[str, Story] = Field(default_factory=dict)


def stories() -> dict[str, Story]:
    """Read all stories, by the name of the row.

    Raises:
        ValueError: one tells or expects nothing, or a row has two.
    """
    found: dict[str, Story] = {}
    for path in sorted(FRAMES.glob("*.yaml")):
        rows = _Frames.model_validate({"rows": yaml.safe_load(path.read_text(encoding="utf-8"))}).rows
        if twice := found.keys() & rows.keys():
            raise ValueError(f"{path.name} tells again of {', '.join(sorted(twice))}")
        found |= rows
    return found
