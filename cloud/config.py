"""The settings: `GARDU_CLOUD_…` in the environment, or a TOML file; the environment wins."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, StringConstraints, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from cloud.errors import ConfigurationError
from cloud.observability.logs import LogFormat, LogLevel
from cloud.observability.redaction import hide

PREFIX = "GARDU_CLOUD_"
CONFIG_VARIABLE = "GARDU_CLOUD_CONFIG"
_URLS = "sqlite:///./gardu-cloud.db or postgresql://user:password@host/database"


class Settings(BaseSettings):
    """What an operator can set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, use_attribute_docstrings=True
    )
    toml: ClassVar[Path | None] = None

    database_url: str = "sqlite:///./gardu-cloud.db"
    """`sqlite:///FILE` or `postgresql://user:password@host/database`."""
    host: str = "127.0.0.1"
    """The address to listen on. Off loopback TLS or a named proxy is required."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    """The port to listen on; 0 takes a free one."""
    tls_cert: Path | None = None
    """The certificate chain, as a PEM file."""
    tls_key: Path | None = None
    """Its private key, as a PEM file."""
    behind_proxy: str | None = None
    """The name or address of the proxy in front, which ends TLS."""
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """The host names that people and edges use, without ports, separated by commas. Loopback names always count."""
    mqtt_url: Annotated[str, StringConstraints(pattern=r"^mqtts?://[^\s/:@]+(:\d+)?$")] | None = None
    """The broker through which edges may speak too: `mqtts://host:port`; without it they speak HTTPS alone."""
    mqtt_username: str | None = None
    """Our user name at the broker."""
    mqtt_password: SecretStr | None = None
    """Our password at the broker."""
    mqtt_password_file: Path | None = None
    """Mosquitto's password file, which we keep: our own user and all enrolled edges. Mosquitto reads it again after a
    SIGHUP, or when it starts."""
    mqtt_ca: Path | None = None
    """The authority of the broker's certificate, as a PEM file; without it the system's own are trusted."""
    allow_plain_mqtt: bool = False
    """Whether records may cross a network in clear, to a broker whose mqtt_url begins with mqtt://."""
    migrate_on_start: bool = True
    """Whether `run` brings the database's schema up to date itself."""
    keep_meter_values_days: Annotated[int, Field(ge=30, le=36_500)] = 1_830
    """How long meter values are kept after they were received. On PostgreSQL whole months leave."""
    keep_raw_events_days: Annotated[int, Field(ge=30, le=36_500)] = 1_830
    """How long events without a table of their own are kept: firmware, diagnostics, vendors' messages."""
    keep_ended_commands_days: Annotated[int, Field(ge=30, le=36_500)] = 1_830
    """How long commands are kept after they ended. Longer than the oldest backup that might be restored."""
    edge_requests_at_work: Annotated[int, Field(ge=2, le=40)] = 4
    """How many requests of edges are handled at once. More of them do not go faster, but each takes longer."""
    edge_requests_wait_s: Annotated[float, Field(ge=0, le=10)] = 0.2
    """How long a further request of an edge waits for its turn, before it is told to come again later (429)."""
    log_level: LogLevel = "info"
    """debug, info, warning or error."""
    log_format: LogFormat = "console"
    """console for people, json for machines."""

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        try:
            url = make_url(value)
        except ArgumentError as error:
            raise ValueError(f"write {_URLS}") from error
        if url.get_backend_name() not in {"sqlite", "postgresql"}:
            raise ValueError(f"only SQLite and PostgreSQL are known; write {_URLS}")
        if url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}:
            raise ValueError("the records need a file; write sqlite:///./gardu-cloud.db")
        return value

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:  # noqa: ANN401 - whatever a source gives
        return tuple(filter(None, (part.strip() for part in value.split(",")))) if isinstance(value, str) else value

    @field_validator("tls_cert", "tls_key", "mqtt_ca")
    @classmethod
    def _readable(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                value.open("rb").close()
            except OSError as error:
                raise ValueError(f"the file cannot be read ({error.strerror}); give the path of a PEM file") from error
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then the file."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=cls.toml)

    @property
    def has_tls(self) -> bool:
        """Whether this process itself speaks TLS."""
        return self.tls_cert is not None and self.tls_key is not None

    @property
    def proxy_network(self) -> str | None:
        """The proxy's address or network, where one was given: only then its X-Forwarded headers are believed."""
        try:
            return str(ipaddress.ip_network(self.behind_proxy, strict=False)) if self.behind_proxy else None
        except ValueError:
            return None

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach us."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def load(file: Path | None = None) -> Settings:
    """Read the settings.

    Raises:
        ConfigurationError: one is wrong, the file cannot be read, or together they would not be safe.
    """
    if file is not None and not file.is_file():
        raise ConfigurationError(f"There is no settings file {file}.", hint="Check --config or GARDU_CLOUD_CONFIG.")
    _refuse_unknown_variables()
    bound = type("Settings", (Settings,), {"toml": file, "__module__": __name__, "__doc__": Settings.__doc__})
    try:
        settings: Settings = bound()
    except ValidationError as error:
        raise ConfigurationError(_explain(error), hint=_where(file)) from error
    except ValueError as error:  # the TOML itself
        raise ConfigurationError(f"The settings file {file} is not TOML: {error}", hint="Correct that line.") from error
    require_safe(settings)
    return settings


def _refuse_unknown_variables() -> None:
    """A misspelt variable would otherwise be passed over in silence."""
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {CONFIG_VARIABLE}
    for variable in sorted(os.environ):
        if variable.upper().startswith(PREFIX) and variable.upper() not in known:
            raise ConfigurationError(
                f"{variable} is no setting of the cloud.",
                hint=f"Correct its name or remove it. There are: {', '.join(sorted(known))}.",
            )


def require_safe(settings: Settings) -> None:
    """Return when the settings together are safe.

    Raises:
        ConfigurationError: the API would be reachable from outside without TLS.
    """
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise ConfigurationError(
            "tls_cert and tls_key belong together; only one of them is set.",
            hint=f"Set both {PREFIX}TLS_CERT and {PREFIX}TLS_KEY.",
        )
    if settings.mqtt_password_file is not None and None in (settings.mqtt_username, settings.mqtt_password):
        raise ConfigurationError(
            "mqtt_password_file is set, but not who we are at the broker.",
            hint=f"Set {PREFIX}MQTT_USERNAME and {PREFIX}MQTT_PASSWORD: they go into that file too.",
        )
    broker = urlsplit(settings.mqtt_url or "")
    if broker.scheme == "mqtt" and not settings.allow_plain_mqtt and not is_loopback(broker.hostname or ""):
        raise ConfigurationError(
            f"mqtt_url is {settings.mqtt_url!r}: the password and all records would cross the network in clear.",
            hint=f"Write mqtts://, or set {PREFIX}ALLOW_PLAIN_MQTT=true in a network that is all yours.",
        )
    if not (settings.on_loopback or settings.has_tls or settings.behind_proxy):
        raise ConfigurationError(
            f"host is {settings.host!r}: other machines could reach the API, and read keys and records on the way.",
            hint=f"Set {PREFIX}TLS_CERT and {PREFIX}TLS_KEY; or name the proxy that ends TLS in {PREFIX}BEHIND_PROXY; "
            f"or stay on this machine with {PREFIX}HOST=127.0.0.1.",
        )


def _explain(error: ValidationError) -> str:
    return "\n".join(_explain_one(finding["loc"], finding["input"], finding["msg"]) for finding in error.errors())


def _explain_one(location: tuple[int | str, ...], value: object, message: str) -> str:
    field = str(location[0]) if location else "settings"
    if field not in Settings.model_fields:
        return f"{field}: there is no such setting. Known: {', '.join(Settings.model_fields)}."
    right = message.removeprefix("Value error, ").rstrip(".")
    text = f"{field} is {hide(value, field)!r}: {right}."
    if isinstance(value, str) and value.startswith("tcp://"):
        text += " (Kubernetes sets such variables by itself; give the pod enableServiceLinks: false.)"
    description = Settings.model_fields[field].description
    return f"{text} It is: {description}" if description else text


def _where(file: Path | None) -> str:
    return f"Settings come from the environment ({PREFIX}<NAME>)" + (f" and from {file}." if file else ".")
