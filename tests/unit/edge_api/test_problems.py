from __future__ import annotations

import orjson

from contract.problems import PROBLEM_MEDIA_TYPE
from edge.api.failures import MAX_ERRORS, describe_invalid
from edge.api.problems import ProblemError, invalid, not_found, shown


def test_a_problem_leaves_out_what_it_does_not_know() -> None:
    answer = ProblemError(409, "not-connected", "It is away.").response()
    assert answer.media_type == PROBLEM_MEDIA_TYPE
    assert orjson.loads(answer.body) == {
        "type": "urn:gardu:problem:not-connected",
        "title": "Not possible now",
        "status": 409,
        "detail": "It is away.",
    }


def test_a_problem_names_the_field() -> None:
    problem = invalid("cursor", "is none", hint="Leave it out.").problem
    assert problem.errors[0].field == "cursor"
    assert problem.hint == "Leave it out."


def test_a_status_that_nobody_foresaw_has_a_title_too() -> None:
    assert ProblemError(418, "teapot", "I am one.").problem.title == "Request failed"


def test_a_readers_own_words_are_bounded_and_encodable() -> None:
    assert shown("x" * 200) == f"'{'x' * 100}…'"
    assert shown("\ud800").encode()
    assert b"CP 1" in not_found("charge point", "CP 1").response().body


def test_only_the_first_errors_of_a_hopeless_body_are_told_and_no_values() -> None:
    errors = [{"type": "x", "loc": ("body", "key", n), "msg": "is wrong", "input": "secret"} for n in range(100)]
    problem = describe_invalid(errors).problem
    assert len(problem.errors) == MAX_ERRORS
    assert problem.detail == "key.0: is wrong (and 99 more)"
    assert "secret" not in problem.model_dump_json()
