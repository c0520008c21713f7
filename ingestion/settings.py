"""Every setting, read from the environment (and a git-ignored `.env`) once (SPEC O3)."""

import os
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path

from dotenv import load_dotenv

PROJECT = Path(__file__).resolve().parent.parent


class SettingsError(Exception):
    """A setting is missing or unusable; the message names it and the cure."""


@dataclass(frozen=True)
class Database:
    """Where a relational database is; `password` is never shown."""

    host: str
    port: int
    user: str
    name: str
    password: str = field(repr=False)

    def parameters(self) -> dict[str, str | int]:
        """Return the keyword arguments of `psycopg.connect`."""
        return {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "dbname": self.name,
        }


@dataclass(frozen=True)
class Codex:
    """Where Codex is, and Core, which gives the tokens for it."""

    base_url: str
    core_base_url: str


@dataclass(frozen=True)
class Freshservice:
    """A Freshservice account; the key is never shown."""

    base_url: str
    api_key: str = field(repr=False)


@dataclass(frozen=True)
class Datto:
    """A Datto RMM account; key and secret are never shown."""

    base_url: str
    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)


@dataclass(frozen=True)
class Billingo:
    """Billingo's address, and every variable `BILLINGO_...KEY...`: one for each company."""

    base_url: str
    keys: dict[str, str] = field(repr=False)


@dataclass(frozen=True)
class Settings:
    """One run's settings. A source whose part is None is not configured and is not run."""

    warehouse: Database
    warehouse_is_embedded: bool
    target: str
    published_schema: str
    seeds_directory: Path | None
    now: datetime | None
    max_deleted_share: float
    requests_per_minute: int | None = None
    backoff_seconds: float = 0.5
    billing_db: Database | None = None
    codex: Codex | None = None
    freshservice: Freshservice | None = None
    datto: Datto | None = None
    billingo: Billingo | None = None
    heartbeat_url: str | None = None
    heartbeat_key: str | None = field(default=None, repr=False)

    def clock(self) -> datetime:
        """Return the pipeline clock: `LEDGERHOUSE_NOW` or now, UTC without zone, whole seconds."""
        return self.now or datetime.now(UTC).replace(tzinfo=None, microsecond=0)

    def secrets(self) -> list[str]:
        """Return every value that must not appear in output, longest first."""
        return sorted(set(_secrets(self)), key=len, reverse=True)


def _secrets(part: object) -> list[str]:
    found = []
    for item in fields(part):  # type: ignore[arg-type]
        value = getattr(part, item.name)
        if is_dataclass(value):
            found += _secrets(value)
        elif not item.repr and value:
            values = value.values() if isinstance(value, dict) else value
            found += [values] if isinstance(values, str) else list(values)
    return found


def redact(text: str, settings: Settings) -> str:
    """Return `text` with every secret of `settings` replaced by `***` (R9).

    The embedded server's well-known default password is no secret and stays.
    """
    for secret in settings.secrets():
        if len(secret) >= 4 and secret != "ledgerhouse":
            text = text.replace(secret, "***")
    return text


def read_settings() -> Settings:
    """Read the settings from the environment and `.env`; the environment wins.

    Raises SettingsError naming the variable and the cure.
    """
    load_dotenv(PROJECT / ".env", override=False)
    environment = os.environ
    embedded = "WAREHOUSE_HOST" not in environment
    seeds = environment.get("LEDGERHOUSE_SEEDS_DIR")
    return Settings(
        warehouse=Database(
            host=environment.get("WAREHOUSE_HOST", "127.0.0.1"),
            port=_number("WAREHOUSE_PORT", 54329),
            user=environment.get("WAREHOUSE_USER", "ledgerhouse"),
            name=environment.get("WAREHOUSE_NAME", "warehouse"),
            password=environment.get("WAREHOUSE_PASSWORD", "ledgerhouse"),
        ),
        warehouse_is_embedded=embedded,
        target=environment.get("WAREHOUSE_TARGET", "postgres"),
        published_schema=environment.get("WAREHOUSE_SCHEMA", "analytics"),
        seeds_directory=Path(seeds) if seeds else None,
        now=_clock(environment.get("LEDGERHOUSE_NOW")),
        max_deleted_share=_share("LEDGERHOUSE_MAX_DELETED_SHARE", 0.2),
        requests_per_minute=_number("LEDGERHOUSE_REQUESTS_PER_MINUTE", 0) or None,
        backoff_seconds=_share("LEDGERHOUSE_BACKOFF_SECONDS", 0.5),
        billing_db=_billing_db(),
        codex=_codex(),
        freshservice=_freshservice(),
        datto=_datto(),
        billingo=_billingo(),
        heartbeat_url=environment.get("INTERNAL_API_URL") or None,
        heartbeat_key=environment.get("INTERNAL_API_KEY") or None,
    )


def _billing_db() -> Database | None:
    host = os.environ.get("BILLING_DB_HOST")
    if not host:
        return None
    return Database(
        host=host,
        port=_number("BILLING_DB_PORT", 5432),
        user=required("BILLING_DB_USER"),
        name=required("BILLING_DB_NAME"),
        password=os.environ.get("BILLING_DB_PASSWORD", ""),
    )


def _codex() -> Codex | None:
    base_url = os.environ.get("CODEX_BASE_URL")
    return Codex(base_url, required("CORE_BASE_URL")) if base_url else None


def _freshservice() -> Freshservice | None:
    base_url = os.environ.get("FRESHSERVICE_BASE_URL")
    return Freshservice(base_url, required("FRESHSERVICE_API_KEY")) if base_url else None


def _datto() -> Datto | None:
    base_url = os.environ.get("DATTO_BASE_URL")
    if not base_url:
        return None
    return Datto(base_url, required("DATTO_API_KEY"), required("DATTO_API_SECRET"))


def _billingo() -> Billingo | None:
    base_url = os.environ.get("BILLINGO_BASE_URL")
    if not base_url:
        return None
    keys = [name for name in os.environ if name.startswith("BILLINGO_") and "KEY" in name]
    return Billingo(base_url, {name: os.environ[name] for name in keys})


def required(name: str) -> str:
    """Return the variable's value; raises SettingsError where it is missing or blank."""
    value = os.environ.get(name)
    if not value:
        raise SettingsError(f"{name} is not set. Set it in the environment or in .env.")
    return value


def _number(name: str, default: int) -> int:
    value = os.environ.get(name, str(default))
    try:
        return int(value)
    except ValueError:
        raise SettingsError(f"{name} is {value!r}. It must be a whole number.") from None


def _share(name: str, default: float) -> float:
    value = os.environ.get(name, str(default))
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise SettingsError(f"{name} is {value!r}. It must be a number from 0 to 1.")
    return share


def _clock(value: str | None) -> datetime | None:
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise SettingsError(
            f"LEDGERHOUSE_NOW is {value!r}. It must be ISO 8601, such as 2026-01-31T00:05:00Z."
        ) from None
    if moment.tzinfo:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment.replace(microsecond=0)
