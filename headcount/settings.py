"""Settings: `HEADCOUNT_*` environment variables, else the file that HEADCOUNT_SETTINGS_FILE names (headcount.env)."""

import os
import secrets
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "HEADCOUNT_"
SCIM_PATH = "/api/scim/v2"
_MIN_KEY_LENGTH = 32
_MIN_KEY_CHARACTERS = 10  # different ones: a key of one repeated letter is no key


class Environment(StrEnum):
    """How much the program takes for granted."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """What an operator can set. Each field is the variable HEADCOUNT_<FIELD NAME IN CAPITALS>."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file_encoding="utf-8", extra="ignore")

    environment: Environment = Field(
        Environment.PRODUCTION,
        description="development: plain http on localhost, secrets made for you; production: refuses both",
    )
    database_url: str = Field(
        "sqlite:///var/headcount.sqlite3",
        description="where everything is kept: a file, or a server as postgresql://user:password@host/database",
    )
    database_connections: int = Field(
        10, ge=1, description="PostgreSQL: connections that a process may have at most, twice: to act, and to look up"
    )
    database_statement_seconds: float = Field(
        10, gt=0, description="PostgreSQL: how long a statement may take before the request is answered with 503"
    )
    database_lock_seconds: float = Field(
        5, gt=0, description="PostgreSQL: how long to wait for a connection, or for others who change the same thing"
    )
    base_domain: str = Field(
        "", description="workspaces are <subdomain>.<base domain>, SCIM <subdomain>.api.<base domain>"
    )
    secret_key: SecretStr = Field(
        SecretStr(""), description="at least 32 random characters; keys and sessions are hashed under it"
    )
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on")
    workers: int = Field(1, ge=1, description="processes that serve; one that dies is replaced")
    background: bool = Field(
        True, description="whether the serving processes also do the background work; else run `headcount worker`"
    )
    audit_days: int = Field(
        0, ge=0, description="days after which an entry of the audit log is removed; 0 keeps every entry"
    )
    trusted_proxies: str = Field(
        "127.0.0.1", description="addresses, comma-separated, whose X-Forwarded-For and -Proto are believed"
    )
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="the SMTP server that mail goes to, as smtp://user:password@host:587 (STARTTLS where it is "
        "offered) or smtps://…; without one, mail is put into var/outbox/",
    )
    mail_from: str = Field("", description="whom mail is from, such as 'Acme <accounts@example.com>'")
    graphql_points_per_minute: int = Field(
        60_000,
        ge=1_000,
        description="what a caller of GraphQL may spend in a minute, in each process; see docs/graphql.md",
    )
    trusted_documents: str = Field(
        "", description="a file of the only operations that browsers may have GraphQL run, by their hashes; none: any"
    )
    access_log: bool = Field(False, description="log a line for each request (never its query string)")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.is_development:
            self.base_domain = self.base_domain or "localhost"
            self.secret_key = SecretStr(self.secret_key.get_secret_value() or _kept_key())
        if not self.base_domain:
            raise ValueError(
                "HEADCOUNT_BASE_DOMAIN is not set: the domain below which every workspace has its subdomain"
            )
        self.mail_from = self.mail_from or f"headcount@{self.base_domain}"
        if self.smtp_url.get_secret_value().partition("://")[0] not in ("", "smtp", "smtps"):
            raise ValueError("HEADCOUNT_SMTP_URL must be smtp://host:port or smtps://host:port")
        key = self.secret_key.get_secret_value()
        if len(key) < _MIN_KEY_LENGTH or len(set(key)) < _MIN_KEY_CHARACTERS:
            raise ValueError(
                "HEADCOUNT_SECRET_KEY is missing or weak: set it to at least 32 random characters, for example from "
                "`python3 -c 'import secrets; print(secrets.token_urlsafe(48))'`, and keep it; "
                "with another key no API key or session works any more"
            )
        return self

    @property
    def is_development(self) -> bool:
        """Whether this is somebody's own machine."""
        return self.environment is Environment.DEVELOPMENT

    @cached_property
    def authority_suffix(self) -> str:
        """What follows a subdomain in an address: `.localhost:8000`, `.example.com`."""
        return f".{self.base_domain}:{self.port}" if self.is_development else f".{self.base_domain}"

    @property
    def scheme(self) -> str:
        """Http in development; https everywhere else, since identity providers refuse plain http."""
        return "http" if self.is_development else "https"

    def workspace_url(self, subdomain: str) -> str:
        """The address of a workspace's settings side."""
        return f"{self.scheme}://{subdomain}{self.authority_suffix}"

    def page_url(self, page: str, subdomain: str) -> str:
        """The address of a page of a workspace that a mail sends people to: `new-password`, `accept-invitation`."""
        return f"{self.workspace_url(subdomain)}/{page}"

    def scim_base_url(self, subdomain: str) -> str:
        """What an admin pastes into the identity provider."""
        return f"{self.scheme}://{subdomain}.api{self.authority_suffix}{SCIM_PATH}"


def load_settings() -> Settings:
    """The settings of this process; raises pydantic's ValidationError naming what is wrong.

    Raises FileNotFoundError where HEADCOUNT_SETTINGS_FILE names no file; headcount.env may be missing.
    """
    named = os.environ.get(f"{PREFIX}SETTINGS_FILE")
    if named and not Path(named).is_file():
        raise FileNotFoundError(f"{PREFIX}SETTINGS_FILE names {named!r}, where there is no file")
    file = named or "headcount.env"
    return Settings(_env_file=file)  # type: ignore[call-arg]


def _kept_key() -> str:
    """A secret key of this folder's own, made once, so that development survives a restart."""
    file = Path("var/secret-key")
    if not file.exists():
        write_secret(file, secrets.token_urlsafe(48))
    return file.read_text().strip()


def write_secret(file: Path, secret: str) -> None:
    """Write a file that only its owner can read."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as new:
        new.write(secret)
