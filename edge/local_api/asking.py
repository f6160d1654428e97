"""One request to the local API of the running edge."""

from __future__ import annotations

import os
import ssl
from typing import Any

import httpx

from edge.config.sections import ApiSettings
from edge.errors import GarduEdgeError

KEY = "GARDU_EDGE_API_KEY"
"""Environment variable with one of the API's keys, where the API needs one."""

TIMEOUT_S = 30.0


class LocalApiError(GarduEdgeError):
    """The running edge did not do what was asked."""


def ask(settings: ApiSettings, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask the edge that runs with these settings.

    Args:
        settings: where its API listens.
        method: `GET`, `POST` or `DELETE`.
        path: below `/api/v1/`.
        body: JSON; `None`: none.

    Returns:
        The answer's JSON.

    Raises:
        LocalApiError: it does not run, or refused.
    """
    key = os.environ.get(KEY) or next((key.get_secret_value() for key in settings.keys), None)
    headers = {"Host": "localhost", "Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    try:
        with httpx.Client(verify=_tls(settings), timeout=TIMEOUT_S, trust_env=False) as client:
            answer = client.request(method, f"{_address(settings)}/api/v1/{path}", json=body, headers=headers)
    except httpx.HTTPError as error:
        raise LocalApiError(
            f"The edge does not answer at {_address(settings)}: {error}",
            hint="Is `gardu-edge run` running, with the same settings? The port of its API must be fixed, not 0.",
        ) from error
    if answer.is_success:
        content: dict[str, Any] = answer.json()
        return content
    raise LocalApiError(*_refusal(answer))


def _refusal(answer: httpx.Response) -> tuple[str]:
    try:
        detail = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        detail = answer.reason_phrase
    return (f"The edge answered {answer.status_code}: {detail}",)


def _address(settings: ApiSettings) -> str:
    wildcard = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - comparing, not binding
    host = wildcard.get(settings.host, settings.host)
    return f"{'https' if settings.tls_cert else 'http'}://{host}:{settings.port}"


def _tls(settings: ApiSettings) -> ssl.SSLContext | bool:
    """Trust the very certificate that this machine's edge shows, whatever name stands in it."""
    if settings.tls_cert is None:
        return False  # plain HTTP: nothing to verify, and loading the system's authorities takes a while
    context = ssl.create_default_context(cafile=settings.tls_cert)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
