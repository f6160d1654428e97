"""The sections of the settings of the edge: each field says what it is for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, StringConstraints, field_validator, model_validator

from edge.api.exposure import is_loopback
from edge.domain.configuration import is_secret
from edge.domain.registration import UnknownChargePoints
from edge.domain.security_profile import SecurityProfile

Port = Annotated[int, Field(ge=0, le=65535)]
ServerName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$")]
"""As the CN of a certificate, which has 64 characters at most."""
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Section(BaseModel):
    """A group of settings; a field that it does not have is refused."""

    model_config = {"extra": "forbid", "use_attribute_docstrings": True}


class ListenerSettings(Section):
    """A further address for charge points, with one security profile."""

    host: str = "0.0.0.0"  # noqa: S104 - as the first listener's
    """Address to listen on."""
    port: Port
    """Port to listen on; 0 picks a free one."""
    security_profile: SecurityProfile
    """0 none, 1 Basic authentication, 2 the same over TLS, 3 TLS with a certificate of the charge point's own."""


class CentralSystemSettings(Section):
    """Where charge points connect, and how they are treated."""

    host: str = "0.0.0.0"  # noqa: S104 - charge points are other machines; each one authenticates
    """Address to listen on for charge points."""
    port: Port = 9000
    """Port to listen on; 0 picks a free one."""
    tls_cert: Path | None = None
    """PEM file with the server's certificate chain; without it charge points speak plain WebSocket."""
    tls_key: Path | None = None
    """PEM file with the certificate's key."""
    second_tls_cert: Path | None = None
    """PEM file with a certificate chain of the other kind of key: with an RSA and an ECDSA one, each charge point gets
    the one that it can check."""
    second_tls_key: Path | None = None
    """PEM file with the second certificate's key."""
    security_profile: SecurityProfile | None = None
    """Security profile of `host` and `port`. By default 2 (Basic authentication over TLS) with `tls_cert`, else 1."""
    listeners: list[ListenerSettings] = Field(default_factory=list)
    """Further addresses for charge points, each with its `port`, `security_profile` and, if it must be, `host`."""
    client_roots: Path | None = None
    """PEM file with further roots of the charge points' own certificates, for security profile 3. Certificates that
    this edge issued are always accepted there."""
    server_names: list[ServerName] = Field(default_factory=list)
    """DNS names under which charge points reach this edge. Without `tls_cert` it makes its own certificates for them,
    an RSA and an ECDSA one; charge points need its root: `gardu-edge show-ca`."""
    allow_unauthenticated: bool = False
    """Whether security profile 0 may be listened on: anybody who reaches that address is believed to be any charge
    point. Only for a network that is closed to everybody else."""
    unknown_charge_points: UnknownChargePoints = UnknownChargePoints.REFUSE
    """`refuse` (404) or `pending` (may boot, is told Pending until it is accepted)."""
    allow_missing_subprotocol: bool = True
    """Whether a charge point that names no WebSocket sub-protocol is taken as ocpp1.6."""
    heartbeat_interval_s: Annotated[int, Field(ge=10, le=86_400)] = 300
    """Seconds between heartbeats that charge points are told."""
    ping_interval_s: Seconds = 30.0
    """Seconds between WebSocket pings to each charge point."""
    call_timeout_s: Seconds = 30.0
    """Seconds that a charge point has to answer an operation."""
    connection_timeout_s: Seconds = 60.0
    """How many seconds after an accepted remote start its transaction may begin, where the charge point has not told
    its own ConnectionTimeOut. With 30 s more gone by without one, the remote start is reported as without effect."""
    settle_s: Annotated[float, Field(ge=0, le=60)] = 2.0
    """Seconds of rest between a boot's answer and the first operation sent to the charge point."""
    id_tag_cache_days: Annotated[int, Field(ge=0, le=365)] = 14
    """Days after which an accepted id tag leaves the charge points' own caches, unless it is shown again; 0: never."""
    boot_grace_s: Annotated[float, Field(ge=0, le=300)] = 10.0
    """Seconds that a new connection may stay silent before the charge point is asked for anything: it may want to boot
    first."""
    known_vendor_messages: dict[str, list[str]] = Field(default_factory=dict)
    """DataTransfer that is accepted: vendor id to message ids; an empty list accepts all of that vendor."""

    @model_validator(mode="after")
    def _certificate_and_key(self) -> CentralSystemSettings:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together: set both, or neither")
        if (self.second_tls_cert is None) != (self.second_tls_key is None):
            raise ValueError("second_tls_cert and second_tls_key go together: set both, or neither")
        if self.second_tls_cert is not None and self.tls_cert is None:
            raise ValueError("second_tls_cert is set, but not the first one, tls_cert")
        return self

    @model_validator(mode="after")
    def _profiles(self) -> CentralSystemSettings:
        profiles = {self.first_profile, *(listener.security_profile for listener in self.listeners)}
        if SecurityProfile.NONE in profiles and not self.allow_unauthenticated:
            raise ValueError(
                "security profile 0 lets anybody be any charge point: use 1, 2 or 3, or set allow_unauthenticated"
            )
        if any(profile.over_tls for profile in profiles) and self.tls_cert is None and not self.server_names:
            raise ValueError("security profiles 2 and 3 need server_names, or tls_cert and tls_key")
        return self

    @property
    def first_profile(self) -> SecurityProfile:
        """The security profile of `host` and `port`."""
        if self.security_profile is not None:
            return self.security_profile
        return SecurityProfile.BASIC if self.tls_cert is None else SecurityProfile.TLS_BASIC


class ApiSettings(Section):
    """The local REST API."""

    host: str = "127.0.0.1"
    """Address to listen on. Off loopback the API needs `keys` and TLS or a named proxy."""
    port: Port = 3000
    """Port to listen on; 0 picks a free one."""
    tls_cert: Path | None = None
    """PEM file with the server's certificate chain."""
    tls_key: Path | None = None
    """PEM file with the certificate's key."""
    behind_proxy: str | None = None
    """Address of the proxy that ends TLS in front of the API."""
    allowed_hosts: list[str] = Field(default_factory=list)
    """Host names, besides this machine's loopback names, under which the API may be reached."""
    keys: list[SecretStr] = Field(default_factory=list)
    """API keys, each of at least 32 characters. Needed off loopback."""

    @field_validator("keys")
    @classmethod
    def _long_keys(cls, keys: list[SecretStr]) -> list[SecretStr]:
        if any(len(key.get_secret_value()) < 32 for key in keys):  # noqa: PLR2004 - 128 bit and more, as text
            raise ValueError("each API key needs at least 32 characters; make one with: openssl rand -hex 32")
        return keys


class CloudSettings(Section):
    """The way up."""

    url: Annotated[str, StringConstraints(pattern=r"^(https?|mqtts?)://[^\s/]+(:\d+)?(/\S*)?$")] | None = None
    """Address of the cloud, for example https://charging.example.edu, or of the broker that leads to it, for example
    mqtts://broker.example.edu:8883. Without it the edge works on its own."""
    token: SecretStr | None = None
    """The one-time token that `gardu-cloud add-site` or `enrolment-token` showed: the edge enrols with it when it
    starts. May stay here: a used one is passed over, a new one enrols again."""
    enrolment_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+(:\d+)?(/\S*)?$")] | None = None
    """Address of the cloud for enrolment, where `url` is a broker's."""
    secret: SecretStr | None = None
    """Instead of a token: the secret that `gardu-cloud add-site --secret` showed; over MQTT a password at the broker
    that somebody set by hand, for the user whose name is the site's."""
    ca: Path | None = None
    """PEM file with the authority of the other side's certificate; without it the system's own are trusted."""
    allow_plain_http: bool = False
    """Whether the secret may cross a network in clear, to a url that begins with http:// or mqtt://. Never outside a
    network that is all yours."""
    longest_wait_s: Annotated[float, Field(ge=1, le=300)] = 300.0
    """The longest pause in seconds before a cloud that does not answer is tried again."""

    live_every_s: Annotated[float, Field(ge=0, le=300)] = 1.0
    """Seconds from one look for news of the connectors to the next; they go up beside the records, so that the console
    is live while a backlog drains. 0: never, which saves some data on a metered line."""
    command_patience_s: Annotated[float, Field(ge=0, le=3600)] = 120.0
    """After a crash in the middle of a remote start or a reset: for how many seconds the transaction or the boot that
    shows the charge point's obedience is waited for, before the command counts as interrupted."""

    @model_validator(mode="after")
    def _url_and_secret(self) -> CloudSettings:
        if self.url is None and (self.secret is not None or self.token is not None):
            raise ValueError("a token or a secret is set, but no url to go to")
        if self.token is not None and self.cloud is None:
            raise ValueError("with a broker's url, a token needs enrolment_url: the cloud's own address")
        for url in (self.url, self.enrolment_url):
            if url is not None and not self.may_go_to(url):
                raise ValueError(
                    "the secret would cross the network in clear: use https:// or mqtts://, or set allow_plain_http"
                )
        return self

    @property
    def cloud(self) -> str | None:
        """Where to enrol."""
        if self.enrolment_url is None and self.url is not None and self.url.startswith("http"):
            return self.url
        return self.enrolment_url

    def may_go_to(self, url: str) -> bool:
        """Whether records may go there: over TLS, within this machine, or because the settings say so."""
        secure = url.startswith(("https://", "mqtts://"))
        return secure or self.allow_plain_http or is_loopback(urlsplit(url).hostname or "")


class TransactionSettings(Section):
    """Transactions whose end does not arrive."""

    lost_stop_patience_s: Annotated[float, Field(ge=900, le=604_800)] = 3600.0
    """Seconds from the first sign that a transaction is over to its estimated end. Charge points need them to deliver
    what they have queued."""
    silence_h: Annotated[float, Field(gt=0, le=8760)] = 24.0
    """Hours without a word from a charge point until its running transactions count as suspect; two days later they
    get an estimated end."""
    sweep_interval_s: Seconds = 60.0
    """Seconds between two looks for such transactions."""


class DiskSettings(Section):
    """What stays on the disk, and for how long. A disk that fills up shortens these times by itself."""

    keep_acknowledged_days: Annotated[int, Field(ge=1, le=3650)] = 14
    """Days that events stay after the cloud has them: a cloud restored from a backup that is younger loses nothing."""
    keep_meter_values_days: Annotated[int, Field(ge=1, le=3650)] = 365
    """Days of the local history of meter values."""
    keep_history_days: Annotated[int, Field(ge=90, le=3650)] = 365
    """Days that what is over stays: cleared alarms, ended roll-outs, traces of changed transactions, odd statuses."""
    ballast_mib: Annotated[int, Field(ge=0, le=4096)] = 32
    """Size in MiB of a reserve file that is given up when the disk is full, so that what runs can end."""
    check_every_s: Seconds = 60.0
    """Seconds from one look at the disk to the next."""


class UpkeepSettings(Section):
    """What the edge does at charge points by itself."""

    provision: bool = True
    """Whether charge points are given the configuration that the site wants (`configuration`)."""
    local_lists: bool = True
    """Whether charge points get the id tags of the site as their local list, and forget what they have cached when one
    is blocked or removed."""
    after_boot_s: Annotated[float, Field(ge=0, le=3600)] = 10.0
    """Seconds after a boot until the edge begins: charge points report their connectors first."""
    try_again_s: Seconds = 60.0
    """Seconds until a task that failed is tried again; the pause doubles each time."""
    rollout_patience_h: Annotated[float, Field(gt=0, le=8760)] = 72.0
    """Hours that a roll-out of firmware waits for a charge point that is away or charges; then it stops there."""
    configuration: dict[str, str | None] = Field(default_factory=dict)
    """Values that all charge points should have, by key, over the recommended ones; `null` leaves a key alone."""

    @field_validator("configuration")
    @classmethod
    def _no_secrets(cls, configuration: dict[str, str | None]) -> dict[str, str | None]:
        if secret := sorted(key for key in configuration if is_secret(key)):
            raise ValueError(f"{secret[0]} is a secret of each charge point and cannot be the same for all")
        return configuration


class JournalSettings(Section):
    """The frame journal: every message both ways, without secrets, in a file of its own beside the database."""

    days: Annotated[int, Field(ge=1, le=366)] = 7
    """How many days a frame is kept, as far as `max_mib` allows."""
    max_mib: Annotated[int, Field(ge=0, le=1_000_000)] = 1024
    """How many MiB the journal may take; the oldest frames go first. 0 keeps no journal."""


class FilesSettings(Section):
    """Where charge points fetch firmware and bring diagnostics, each under a path that nobody can guess."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+(/[^\s?#]*[^\s/?#])?$")] | None = None
    """Address under which charge points reach it, such as http://192.168.1.10:9080; without it, nothing listens."""
    firmware_max_mib: Annotated[int, Field(ge=1, le=1_000_000)] = 4096
    """MiB that all firmware files together may take; a file that does not fit is refused."""
    diagnostics_max_mib: Annotated[int, Field(ge=1, le=1_000_000)] = 2048
    """MiB that all diagnostics together may take; the oldest go first."""
    keep_diagnostics_days: Annotated[int, Field(ge=1, le=3650)] = 90
    """Days that diagnostics stay."""
    host: str = "0.0.0.0"  # noqa: S104 - charge points are other machines; each needs a ticket
    """Address to listen on."""
    port: Port = 9080
    """Port to listen on."""
    tls_cert: Path | None = None
    """PEM file with the server's certificate chain."""
    tls_key: Path | None = None
    """PEM file with the certificate's key."""
    behind_proxy: str | None = None
    """Address of the proxy in front of it, if there is one."""


class LogSettings(Section):
    """What is logged."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The least severe level that is logged."""
    format: Literal["text", "json"] = "text"
    """`text` for people, `json` for machines."""
