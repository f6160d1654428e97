"""Every error is a problem document with a name, a status and, for people, a hint."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from cloud import errors
from cloud.auth.doors import name_of
from cloud.errors import ChainError, GarduCloudError, InvalidFieldError
from cloud.ingest.service.applying import explain
from cloud.observability.problems import field_problems
from contract.events import AuthorizationDecided


def every_error() -> list[type[GarduCloudError]]:
    found, waiting = list[type[GarduCloudError]](), [GarduCloudError]
    while waiting:
        found.append(kind := waiting.pop())
        waiting += kind.__subclasses__()
    return found


def test_the_tree_in_the_docstring_is_complete() -> None:
    assert errors.__doc__ is not None
    assert [kind.__name__ for kind in every_error() if kind.__name__ not in errors.__doc__] == []


def test_a_chain_error_says_where_the_cloud_stands() -> None:
    document = ChainError("A hole.", cursor=7, chain_hash="ab").problem()
    assert (document.status, document.type) == (409, "urn:gardu:problem:chain-broken")
    assert document.model_extra == {"cursor": 7, "hash": "ab"}
    assert document.hint


def test_a_wrong_field_is_named() -> None:
    document = InvalidFieldError("cursor", "is none").problem()
    assert [(error.field, error.message) for error in document.errors] == [("cursor", "is none")]


def test_a_field_s_path_is_dotted_and_without_its_place() -> None:
    found = field_problems([{"loc": ("body", "key", 0), "msg": "x"}, {"loc": ("body",), "msg": "y"}])
    assert [problem.field for problem in found] == ["key.0", "body"]


def test_the_reason_of_a_dead_letter_repeats_no_person_s_data() -> None:
    with pytest.raises(ValidationError) as found:
        AuthorizationDecided.model_validate({"charge_point": ["SECRET-TAG"], "id_tag": "A", "status": "", "reason": ""})
    assert explain(found.value) == "charge_point: Input should be a valid string"
    assert explain(ValueError("a\x00b\ud800")) == "ValueError: a\ufffdb?"
    assert len(explain(ValueError("x" * 9999))) == 500


def test_the_name_in_a_host_header() -> None:
    assert name_of("Cloud.Example:8080") == "cloud.example"
    assert name_of("[::1]:8080") == "::1"
    assert name_of("") is None
    assert name_of("[") is None
