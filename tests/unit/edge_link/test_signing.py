"""What an edge learns from a refusal of what it signed."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.problems import Problem
from edge.clock import Clock
from edge.store.link_credentials import CredentialFile, Credentials
from edge.sync.signing import SignedRequests, make_key

REVOKED = Problem(type="urn:gardu:problem:key-revoked", title="Key revoked", status=401, detail="The key was replaced.")


@pytest.fixture
def file(tmp_path: Path) -> CredentialFile:
    file = CredentialFile(tmp_path / "credentials")
    file.write(Credentials(edge="north", key=make_key()))
    return file


def test_a_request_of_the_old_key_is_tried_again_although_another_request_followed_the_file(
    file: CredentialFile,
) -> None:
    proof = SignedRequests(file, Clock())
    push = proof.authorization("POST", "/push", b"")
    file.write(Credentials(edge="north", key=make_key()))
    live = proof.authorization("POST", "/live", b"")
    assert proof.learn(REVOKED, push)
    assert not proof.learn(REVOKED, live), "that one was signed with the newest key there is"


def test_a_refused_key_that_nobody_changed_is_not_tried_again(file: CredentialFile) -> None:
    proof = SignedRequests(file, Clock())
    assert not proof.learn(REVOKED, proof.authorization("POST", "/push", b""))
