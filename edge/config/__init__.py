"""The settings of the edge: environment `GARDU_EDGE_…`, and a TOML file. Only `app` and `cli` read them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, StringConstraints, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from edge.api.exposure import check_exposure
from edge.config.sections import (
    ApiSettings,
    CentralSystemSettings,
    CloudSettings,
    DiskSettings,
    FilesSettings,
    JournalSettings,
    LogSettings,
    TransactionSettings,
    UpkeepSettings,
)
from edge.errors import ConfigurationError

PREFIX = "GARDU_EDGE_"
CONFIG_VARIABLE = "GARDU_EDGE_CONFIG"


class Settings(BaseSettings):
    """All settings of the edge."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", use_attribute_docstrings=True
    )

    site: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    """The building's short name, as the cloud knows it: lower-case letters, digits and hyphens."""
    data_dir: Path = Path("gardu-edge-data")
    """Folder of the database."""
    central_system: CentralSystemSettings = CentralSystemSettings()
    api: ApiSettings = ApiSettings()
    cloud: CloudSettings = CloudSettings()
    transactions: TransactionSettings = TransactionSettings()
    disk: DiskSettings = DiskSettings()
    upkeep: UpkeepSettings = UpkeepSettings()
    files: FilesSettings = FilesSettings()
    journal: JournalSettings = JournalSettings()
    log: LogSettings = LogSettings()

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data_dir / "edge.db"

    @property
    def journal_file(self) -> Path:
        """The frame journal's SQLite file."""
        return self.data_dir / "journal.db"

    @property
    def link_credentials(self) -> Path:
        """What the edge proves itself to the cloud with. No backup of the database has it."""
        return self.data_dir / "link-credentials.json"

    @property
    def authority_dir(self) -> Path:
        """The folder of the edge's own certificate authority."""
        return self.data_dir / "certificate-authority"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file."""
        del dotenv_settings, file_secret_settings
        sources = [init_settings, env_settings]
        if (file := os.environ.get(CONFIG_VARIABLE)) is not None:
            sources.append(TomlConfigSettingsSource(settings_cls, toml_file=Path(file)))
        return tuple(sources)


def load() -> Settings:
    """Read the settings.

    Raises:
        ConfigurationError: names each field that is wrong, its value, and what would be right.
    """
    file = os.environ.get(CONFIG_VARIABLE)
    if file is not None and not Path(file).is_file():
        raise ConfigurationError(f"The settings file {file} does not exist.", hint=f"Correct {CONFIG_VARIABLE}.")
    _refuse_unknown_variables()
    try:
        settings = Settings()
    except ValidationError as error:
        lines = [_explain(fault) for fault in error.errors()]
        raise ConfigurationError(
            "\n".join(lines), hint="Correct it and start again; `gardu-edge check-config` checks."
        ) from None
    except (ValueError, OSError) as error:
        raise ConfigurationError(
            f"The settings cannot be read: {error}", hint="Lists and tables are written as JSON in variables."
        ) from None
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    """Check what the settings mean together and on this machine."""
    api = settings.api
    check_exposure(
        api.host, has_keys=bool(api.keys), tls=api.tls_cert is not None, behind_proxy=api.behind_proxy is not None
    )
    fields = ("tls_cert", "tls_key", "second_tls_cert", "second_tls_key", "client_roots")
    if settings.cloud.ca is not None and not settings.cloud.ca.is_file():
        raise ConfigurationError(f"cloud.ca is {str(settings.cloud.ca)!r}: there is no such file.", hint="Correct it.")
    for name, section in (("central_system", settings.central_system), ("api", settings.api)):
        for field in fields:
            path: Path | None = getattr(section, field, None)
            if path is not None and not path.is_file():
                raise ConfigurationError(f"{name}.{field} is {str(path)!r}: there is no such file.", hint="Correct it.")


def _refuse_unknown_variables() -> None:
    """A misspelt variable would otherwise be passed over in silence."""
    known = {name.upper() for name in Settings.model_fields}
    for variable in sorted(os.environ):
        section = variable.removeprefix(PREFIX).partition("__")[0]
        if variable.startswith(PREFIX) and variable != CONFIG_VARIABLE and section not in known:
            raise ConfigurationError(
                f"{variable} is no setting of the edge.",
                hint=f"Correct its name or remove it. It begins with one of: {', '.join(sorted(known))}.",
            )


def _explain(fault: Any) -> str:  # noqa: ANN401 - pydantic's error details
    path = [str(part) for part in fault["loc"]]
    variable = PREFIX + "__".join(path).upper()
    dotted = ".".join(path)
    value = fault["input"]
    shown = "" if re.search("secret|key|token", dotted) or isinstance(value, dict) else f" is {value!r}"
    if fault["type"] == "missing":
        return f"{dotted} ({variable}) is not set: {_wanted(path)}"
    if fault["type"] == "extra_forbidden":
        return f"{dotted} ({variable}) is no setting of the edge: correct its name or remove it."
    return f"{dotted} ({variable}){shown}: {fault['msg'].removeprefix('Value error, ')}. {_wanted(path)}"


def _wanted(path: list[str]) -> str:
    """Say what a setting is for, from its own docstring."""
    model: Any = Settings
    description = ""
    for name in path:
        fields = model.model_fields if isinstance(model, type) and issubclass(model, BaseModel) else {}
        if name not in fields:
            break
        description = fields[name].description or ""
        model = fields[name].annotation
    return " ".join(description.split())
