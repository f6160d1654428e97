"""The generated reference says what the code says."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from pydantic import BaseModel

from contract.batch import BatchHeader, Envelope
from contract.commands import CommandError
from contract.events import EVENTS, MeterValue, Sample
from docs.link_diagrams import DIAGRAMS, EXPLANATION, PAGES, drawn
from docs.meanings import MEANINGS

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
NAMES = sorted(page.name for page in REFERENCE.iterdir())
MODELS: tuple[type[BaseModel], ...] = (*EVENTS.values(), MeterValue, Sample, CommandError, Envelope, BatchHeader)


def generated() -> dict[str, str]:
    """Write the reference; both programs and their libraries are loaded for it, so not before a test asks."""
    pages: dict[str, str] = import_module("docs.generate").pages()
    return pages


written_once = cache(generated)


def test_the_reference_has_the_pages_that_are_written_and_no_other() -> None:
    assert sorted(written_once()) == NAMES, "Run `make docs` and commit what it writes."


@pytest.mark.parametrize("name", PAGES)
def test_the_diagrams_are_what_the_tables_say(name: str) -> None:
    text = (EXPLANATION / name).read_text(encoding="utf-8")
    assert text.count("<!-- drawn: ") == text.count("<!-- end of drawing -->") > 0
    assert text == drawn(text), f"docs/explanation/{name} is stale: run `make docs` and commit it."


def test_every_diagram_is_drawn_somewhere_and_has_its_arrows() -> None:
    pages = "".join((EXPLANATION / name).read_text(encoding="utf-8") for name in PAGES)
    for name, draw in DIAGRAMS.items():
        assert f"<!-- drawn: {name} -->" in pages
        assert draw().count("-->") >= 4


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_is_what_the_code_says(name: str) -> None:
    said = (REFERENCE / name).read_text(encoding="utf-8")
    assert said == written_once().get(name), f"docs/reference/{name} is stale: run `make docs` and commit it."


def test_writing_it_twice_gives_the_same() -> None:
    assert generated() == written_once()


def test_every_field_has_a_meaning_and_every_meaning_a_field() -> None:
    silent = {name for model in MODELS for name, field in model.model_fields.items() if not field.description}
    assert silent - set(MEANINGS) == set(), "Say in docs/meanings.py, or at the field itself, what these mean."
    assert set(MEANINGS) - silent == set(), "These say themselves what they mean: remove them from docs/meanings.py."


def test_no_secret_has_a_default_that_is_shown() -> None:
    for name in ("settings-edge.md", "settings-cloud.md"):
        for row in written_once()[name].splitlines():
            if "| secret |" in row or "| list (secret) |" in row:
                assert row.split(" | ")[3] == "none", row
