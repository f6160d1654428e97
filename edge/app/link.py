"""Makes the way to the cloud from the settings and the credentials: by signature, or the simple way by a secret."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import structlog

from edge.clock import Clock
from edge.config import Settings
from edge.errors import ConfigurationError, EnrolmentError, StoreError
from edge.store import identity
from edge.store.link_credentials import CredentialFile, Credentials, fingerprint
from edge.store.readers import Readers
from edge.sync.carrier import Carrier, Refused, Unavailable
from edge.sync.carriers import carrier_to
from edge.sync.enrolled import EnrollingCarrier

if TYPE_CHECKING:
    from edge.sync.enrolling import Registrar

_BROKER_LEARNS = Unavailable("This edge is enrolled; the broker is being told its password.", retry_after_s=5)

_log = structlog.get_logger()


def cloud_url(settings: Settings) -> str | None:
    """Where records go: what the settings say, else the cloud that this edge enrolled with."""
    if settings.cloud.url is not None:
        return settings.cloud.url
    known = CredentialFile(settings.link_credentials).read()
    return None if known is None or known.key is None else known.cloud


def make_carrier(settings: Settings, readers: Readers, clock: Clock) -> Carrier | None:
    """Make what carries records up; `None`: this edge works on its own."""
    url = cloud_url(settings)
    if url is None:
        return None
    known = CredentialFile(settings.link_credentials).read()
    cloud = settings.cloud
    if cloud.secret is not None and cloud.token is None and (known is None or known.key is None):
        return carrier_to(url, edge=settings.site, secret=cloud.secret.get_secret_value(), ca=cloud.ca)
    return EnrollingCarrier(_Preparation(settings, url, readers, clock).prepare)


def make_registrar(settings: Settings, cloud: str | None, clock: Clock) -> Registrar:
    """Make what speaks to the cloud about keys.

    Args:
        settings: ours.
        cloud: its address; `None`: as the settings or the credentials have it.
        clock: the machine's clocks.

    Raises:
        ConfigurationError: no address is known, or it is not a safe one.
    """
    from edge.sync.enrolling import Registrar  # noqa: PLC0415 - its library loads slowly, and few edges need it now

    file = CredentialFile(settings.link_credentials)
    known = file.read()
    cloud = cloud or settings.cloud.cloud or (None if known is None else known.cloud)
    if cloud is None or not cloud.startswith(("https://", "http://")):
        raise ConfigurationError(
            "It is not known where the cloud is.", hint="Name it: gardu-edge enrol --cloud https://cloud.example.edu"
        )
    if not settings.cloud.may_go_to(cloud):
        raise ConfigurationError(
            f"{cloud} is not secure: a token and all records would cross the network in clear.",
            hint="Use https://, or set GARDU_EDGE_CLOUD__ALLOW_PLAIN_HTTP=true in a network that is all yours.",
        )
    return Registrar(file, cloud=cloud, edge=settings.site, clock=clock, tls=_tls(settings, cloud))


def _tls(settings: Settings, cloud: str) -> ssl.SSLContext | None:
    ca = settings.cloud.ca
    return ssl.create_default_context(cafile=ca) if ca is not None and cloud.startswith("https://") else None


class _Preparation:
    """Finds out, at each greeting until it works, what this edge can prove itself with."""

    def __init__(self, settings: Settings, url: str, readers: Readers, clock: Clock) -> None:
        self._settings = settings
        self._url = url
        self._readers = readers
        self._clock = clock
        self._file = CredentialFile(settings.link_credentials)

    async def prepare(self) -> Carrier | Refused | Unavailable:
        """Enrol if there is a new token, and make the carrier."""
        try:
            known = self._usable(self._file.read())
            if (token := self._new_token(known)) is not None:
                known = await self._enrol(token, known)
                if known.broker is not None and self._url.startswith("mqtt"):
                    return _BROKER_LEARNS
            return self._carrier(known) if known is not None else _refused()
        except StoreError as error:
            return Refused(f"{error} {error.hint or ''}".rstrip())
        except EnrolmentError as error:
            why = f"{error} {error.hint or ''}".rstrip()
            return Unavailable(why) if error.may_pass else Refused(why)

    def _usable(self, known: Credentials | None) -> Credentials | None:
        mine = known is not None and known.key is not None and known.edge == self._settings.site
        return known if mine else None

    def _new_token(self, known: Credentials | None) -> str | None:
        if self._settings.cloud.token is None:
            return None
        token = self._settings.cloud.token.get_secret_value()
        return None if known is not None and fingerprint(token) in known.tokens else token

    async def _enrol(self, token: str, known: Credentials | None) -> Credentials:
        registrar = make_registrar(self._settings, None, self._clock)
        store_id = (await self._readers.run(identity.read)).store_id
        try:
            enrolled = await registrar.enrol(token, store_id)
        except EnrolmentError as error:
            if known is None:
                raise
            _log.error("enrolment_failed", why=str(error), hint=error.hint, going_on_with="the key from before")
            return known
        _log.info("enrolled", edge=enrolled.edge, key=None if enrolled.key is None else enrolled.key.key_id)
        return enrolled

    def _carrier(self, known: Credentials) -> Carrier:
        from edge.sync.signing import SignedRequests  # noqa: PLC0415 - its library loads slowly

        cloud, broker = self._settings.cloud, known.broker
        by_hand = "" if cloud.secret is None else cloud.secret.get_secret_value()
        password = broker.password if broker is not None else by_hand
        proof = SignedRequests(self._file, self._clock)
        return carrier_to(self._url, edge=known.edge, secret=password, ca=cloud.ca, proof=proof)


def _refused() -> Refused:
    return Refused(
        "This edge is not enrolled. Ask for a token (gardu-cloud enrolment-token SITE) and run: gardu-edge enrol"
    )
