"""Draws the transition tables of the link into the pages that explain it, between a pair of marks."""

# ruff: noqa: INP001 - a folder of the tree that is never installed

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

from cloud.ingest.service.speakers import VERDICTS
from contract.commands import FINAL_STATES
from contract.commands import TRANSITIONS as OF_COMMANDS
from edge.sync.link import TRANSITIONS as OF_THE_LINK

EXPLANATION = Path(__file__).parent / "explanation"
PAGES = ("link.md", "command-life.md")

_MARKED = re.compile(r"(<!-- drawn: (?P<name>[\w-]+) -->\n).*?(<!-- end of drawing -->)", re.DOTALL)


def drawn(text: str) -> str:
    """Draw every diagram of a page anew.

    Raises:
        KeyError: a mark names a diagram that does not exist.
    """
    return _MARKED.sub(lambda found: f"{found[1]}{DIAGRAMS[found['name']]()}\n{found[3]}", text)


def link_states() -> str:
    """Draw where the link stands, and what moves it."""
    arrows: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for state, moves in OF_THE_LINK.items():
        for happened, following in moves.items():
            if following is not state:
                arrows[state.value, following.value].append(happened.value)
    first = next(iter(OF_THE_LINK)).value
    return _states([f"[*] --> {first}"], arrows)


def command_states() -> str:
    """Draw the life of a command."""
    arrows = {
        (state.value, following.value): list[str]()
        for state, moves in OF_COMMANDS.items()
        for following in sorted(moves)
    }
    ends = [f"{state.value} --> [*]" for state in sorted(FINAL_STATES)]
    return _states([f"[*] --> {next(iter(OF_COMMANDS)).value}"], arrows, ends)


def greetings() -> str:
    """Draw what becomes of a greeting, by who greets."""
    lines = [f'    {_id(who)}["{who}"] --> {_id(what, "v_")}(["{what}"])' for who, what in VERDICTS.items()]
    return "\n".join(("```mermaid", "flowchart LR", *lines, "```"))


DIAGRAMS: dict[str, Callable[[], str]] = {
    "link-states": link_states,
    "command-states": command_states,
    "greetings": greetings,
}


def _states(begin: Iterable[str], arrows: dict[tuple[str, str], list[str]], end: Iterable[str] = ()) -> str:
    moves = [
        f"{source} --> {target}" + (f": {', '.join(sorted(why))}" if why else "")
        for (source, target), why in arrows.items()
    ]
    lines = [f"    {line}" for line in (*begin, *moves, *end)]
    return "\n".join(("```mermaid", "stateDiagram-v2", "    direction LR", *lines, "```"))


def _id(name: str, prefix: str = "s_") -> str:
    return prefix + re.sub(r"\W+", "_", name)
