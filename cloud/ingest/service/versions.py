"""The version of the contract that an edge and this release go on with. No I/O."""

from __future__ import annotations

from collections.abc import Collection

from cloud.errors import ContractVersionError
from contract.link import Greeting
from contract.versions import SPOKEN, agree, who_is_behind

_HINTS = {
    "edge": "Upgrade gardu-edge at the site. It keeps all it has, and sends it afterwards.",
    "cloud": "Upgrade gardu-cloud. The edge keeps all it has, and sends it afterwards.",
}


def agreed_version(greeting: Greeting, ours: Collection[int] = SPOKEN) -> int:
    """The newest that both speak.

    Raises:
        ContractVersionError: there is none.
    """
    theirs = greeting.contract_versions or [greeting.contract_version]
    version = agree(theirs, ours)
    if version is None:
        behind = who_is_behind(theirs, ours)
        raise ContractVersionError(
            f"The edge ({greeting.software_version}) speaks contract version {_told(theirs)}, the cloud {_told(ours)}.",
            hint=_HINTS[behind],
            upgrade=behind,
            spoken=sorted(ours),
        )
    return version


def _told(versions: Collection[int]) -> str:
    return ", ".join(map(str, sorted(versions)))
