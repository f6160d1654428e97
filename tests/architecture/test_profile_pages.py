"""Each feature profile has a page, and each page's examples are what the API takes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from contract.operations import OPERATIONS, Profile

PAGES = Path(__file__).parents[2] / "docs/how-to/profiles"
NAMES = {profile: re.sub(r"(?<=[a-z])(?=[A-Z])", "-", profile).lower() for profile in Profile}
REQUEST = re.compile(r"clients/CP001/([a-z-]+) \\\n.*?-d '(\{.*?\})'", re.DOTALL)


@pytest.mark.parametrize("profile", Profile)
def test_the_page_of_a_profile_tells_of_each_operation(profile: Profile) -> None:
    text = (PAGES / f"{NAMES[profile]}.md").read_text(encoding="utf-8")
    mine = {operation.path for operation in OPERATIONS.values() if operation.profile is profile}
    assert {path for path in mine if path in text} == mine


@pytest.mark.parametrize("profile", Profile)
def test_the_examples_are_requests_that_the_api_takes(profile: Profile) -> None:
    text = (PAGES / f"{NAMES[profile]}.md").read_text(encoding="utf-8")
    examples = REQUEST.findall(text)
    assert examples
    for path, body in examples:
        assert OPERATIONS[path].request.model_validate(json.loads(body))
