"""Edge and cloud of different ages agree on a version, or learn who has to be upgraded."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud.errors import ContractVersionError
from cloud.ingest.service.versions import agreed_version
from contract.link import CONTRACT_VERSION, CommandsAnswer, Greeting, GreetingAnswer, PushAnswer
from contract.versions import SPOKEN, agree, who_is_behind

FIRST = Path(__file__).parent / "golden" / "first_release"


def greeting(**changes: object) -> Greeting:
    said = Greeting.model_validate_json((FIRST / "greeting.json").read_bytes())
    return said.model_copy(update=changes)


def test_the_newest_version_that_both_speak_is_taken() -> None:
    assert agree([1, 2, 3], [2, 3, 4]) == 3
    assert agree([1], [2]) is None
    assert max(SPOKEN) == CONTRACT_VERSION


def test_an_edge_that_names_one_version_only_speaks_that_one() -> None:
    assert greeting().contract_versions is None
    assert agreed_version(greeting()) == 1
    assert agreed_version(greeting(contract_version=3, contract_versions=[1, 2, 3]), [1, 2]) == 2


@pytest.mark.parametrize(
    ("theirs", "ours", "behind", "hint"),
    [([1, 2], [3, 4], "edge", "Upgrade gardu-edge"), ([5], [3, 4], "cloud", "Upgrade gardu-cloud")],
)
def test_who_speaks_no_common_version_is_told_who_must_be_upgraded(
    theirs: list[int], ours: list[int], behind: str, hint: str
) -> None:
    assert who_is_behind(theirs, ours) == behind
    with pytest.raises(ContractVersionError) as refused:
        agreed_version(greeting(contract_versions=theirs), ours)
    problem = refused.value.problem().model_dump()
    assert (problem["status"], problem["upgrade"]) == (403, behind)
    assert hint in str(problem["hint"])


@pytest.mark.parametrize(
    ("file", "model"),
    [
        ("greeting_answer.json", GreetingAnswer),
        ("push_answer.json", PushAnswer),
        ("commands_answer.json", CommandsAnswer),
    ],
)
def test_an_edge_of_this_release_reads_what_a_cloud_of_the_first_one_answers(
    file: str, model: type[GreetingAnswer | PushAnswer | CommandsAnswer]
) -> None:
    raw = (FIRST / file).read_bytes().strip()
    read = model.model_validate_json(raw)
    assert read.model_dump_json(exclude_unset=True).encode() == raw
    assert getattr(read, "contract_version", 1) in SPOKEN


def test_a_greeting_of_this_release_has_all_that_the_first_one_said_in_the_same_words() -> None:
    said = greeting(contract_versions=[1]).model_dump(mode="json")
    first = greeting().model_dump(mode="json", exclude_unset=True)
    assert {name: said[name] for name in first} == first
