"""The generated reference says what the code says."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from contract.batch import BatchHeader, Envelope
from contract.commands import CommandError
from contract.events import EVENTS, MeterValue, Sample
from docs.generate import REFERENCE, pages
from docs.meanings import MEANINGS

PAGES = pages()
MODELS: tuple[type[BaseModel], ...] = (*EVENTS.values(), MeterValue, Sample, CommandError, Envelope, BatchHeader)


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_is_what_the_code_says(name: str) -> None:
    page = REFERENCE / name
    written = page.read_text(encoding="utf-8") if page.exists() else None
    assert written == PAGES[name], f"docs/reference/{name} is stale: run `make docs` and commit what it writes."


def test_the_reference_holds_nothing_else() -> None:
    left_over = {page.name for page in REFERENCE.iterdir()} - set(PAGES)
    assert not left_over, f"docs/reference holds {left_over}, which nothing writes: run `make docs`."


def test_writing_it_twice_gives_the_same() -> None:
    assert pages() == PAGES


def test_every_field_has_a_meaning_and_every_meaning_a_field() -> None:
    silent = {name for model in MODELS for name, field in model.model_fields.items() if not field.description}
    assert silent - set(MEANINGS) == set(), "Say in docs/meanings.py, or at the field itself, what these mean."
    assert set(MEANINGS) - silent == set(), "These say themselves what they mean: remove them from docs/meanings.py."


def test_no_secret_has_a_default_that_is_shown() -> None:
    for name in ("settings-edge.md", "settings-cloud.md"):
        for row in PAGES[name].splitlines():
            if "| secret |" in row or "| list (secret) |" in row:
                assert row.split(" | ")[3] == "none", row
