from __future__ import annotations

import pytest

from edge.observability.logs import _drop_meta, redact


@pytest.mark.parametrize("name", ["password", "Authorization", "api_key", "cloud_secret", "token", "new_password"])
def test_a_secret_is_never_logged(name: str) -> None:
    assert redact(None, "info", {"event": "signed_in", name: "hunter2"}) == {"event": "signed_in", name: "(redacted)"}


def test_everything_else_is_logged_as_it_is() -> None:
    event = {"event": "charge_point_connected", "charge_point": "123", "remote_address": "10.0.0.7"}
    assert redact(None, "info", dict(event)) == event


def test_the_logging_librarys_own_fields_are_left_out() -> None:
    assert _drop_meta(None, "info", {"event": "x", "_record": 1, "_from_structlog": False}) == {"event": "x"}
