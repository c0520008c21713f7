"""Every setting, read from the environment (and a git-ignored `.env`) once (SPEC O3)."""

import logging
import os
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from urllib.parse import quote, urlsplit

from dotenv import load_dotenv

from ingestion.variables import unknown_variables

log = logging.getLogger(__name__)

PROJECT = Path(__file__).resolve().parent.parent
# A publication that moves more than both of what is published before this month is held (L19).
GUARD_SHARE = Decimal("0.05")
GUARD_AMOUNT = Decimal("1000")
# A clock further ahead of the machine's is a mistake: all that is landed later would be refused.
MAX_AHEAD = timedelta(days=1)
# The embedded server's owner has a password of its own, in the folder of its data.
OWNER_PASSWORD = "owner_password"


class SettingsError(Exception):
    """A setting is missing or unusable; the message names it and the cure."""


@dataclass(frozen=True)
class Database:
    """Where a relational database is; `password` is never shown.

    Where it is blank, it is what the embedded server's folder keeps in `password_file`.
    """

    host: str
    port: int
    user: str
    name: str
    password: str = field(repr=False)
    password_file: Path | None = None

    def secret(self) -> str:
        """Return the password."""
        if self.password or not self.password_file:
            return self.password
        # A folder of before there was such a file has the password that was everybody's.
        return self.password_file.read_text() if self.password_file.exists() else "ledgerhouse"

    def parameters(self) -> dict[str, str | int]:
        """Return the keyword arguments of `psycopg.connect`."""
        return {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.secret(),
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
class Boberdoo:
    """boberdoo's account: `BOBERDOO_BASE_URL`, `_KEY`, `_CANARY_LEAD_ID`, `_LEAD_TYPES`.

    The lead types are the tenant's numbers, separated by commas; the canary is a lead of the first
    of them that is known to exist. Optional, in days: `_HISTORY_DAYS` (370) is read at first;
    `_LEAD_DAYS` (7), `_STATUS_DAYS` (60) and `_TRANSACTION_DAYS` (90) are read again every time.
    """

    base_url: str
    canary_lead_id: str
    lead_types: tuple[str, ...]
    key: str = field(repr=False)
    history_days: int = 370
    lead_days: int = 7
    status_days: int = 60
    transaction_days: int = 90


@dataclass(frozen=True)
class Invoca:
    """Invoca's network: `INVOCA_BASE_URL`, `_TOKEN`, `_NETWORK_ID`.

    Optional: `_CUSTOM_COLUMNS` are the tenant's own columns to ask for (`lead_id,lead_ids`); the
    calls of the last `_RESCAN_DAYS` (7) are read again every time; `_PAGE_SIZE` (4000) rows a page.
    """

    base_url: str
    network_id: str
    token: str = field(repr=False)
    custom_columns: tuple[str, ...] = ("lead_id", "lead_ids")
    rescan_days: int = 7
    page_size: int = 4000


@dataclass(frozen=True)
class Dispositions:
    """Where dispositions come from: `DISPOSITIONS_DIR` (drop folder), `DISPOSITIONS_FEED_URL`.

    One of them is enough. `DISPOSITIONS_FEED_TOKEN` is the feed's bearer token.
    """

    folder: Path | None
    feed_url: str | None
    feed_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class NoticeChannel:
    """Where notices go (SPEC O5): `NOTICE_URL` is a webhook (http, https) or mail (smtp, smtps).

    By mail, `NOTICE_FROM` and `NOTICE_TO` (separated by commas) are needed; `NOTICE_USER` and
    `NOTICE_PASSWORD` where the server asks for them. A webhook's address is a secret.
    """

    url: str = field(repr=False)
    sender: str | None = None
    recipients: tuple[str, ...] = ()
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Redshift:
    """Where dbt builds with `WAREHOUSE_TARGET=redshift`: `REDSHIFT_HOST` and its siblings.

    `REDSHIFT_STAGE` is the folder on S3 (`s3://bucket/prefix`) that files pass through, and
    `REDSHIFT_ROLE` the ARN of the role with which Redshift reads it (docs/redshift.md).
    """

    database: Database
    stage: str
    role: str
    sslmode: str = "verify-ca"

    def stage_parts(self) -> tuple[str, str]:
        """Return the stage's bucket and prefix; the prefix is blank or ends in a slash."""
        bucket, _, prefix = self.stage.removeprefix("s3://").partition("/")
        return bucket, prefix.rstrip("/") + "/" if prefix.rstrip("/") else ""


@dataclass(frozen=True)
class AcceptedShape:
    """Who lets a stream through though it has another shape, and why (SPEC R11)."""

    source: str
    stream: str
    by: str
    reason: str


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
    max_missing_share: float = 0.05
    accepted_shape: AcceptedShape | None = None
    guard_share: Decimal = GUARD_SHARE
    guard_amount: Decimal = GUARD_AMOUNT
    analyst_role: str = "analyst"
    salt: str | None = field(default=None, repr=False)
    requests_per_minute: int | None = None
    backoff_seconds: float = 0.5
    retry_seconds: int = 60
    max_answer_megabytes: int = 200
    max_pages: int = 20_000
    redshift: Redshift | None = None
    billing_db: Database | None = None
    codex: Codex | None = None
    freshservice: Freshservice | None = None
    datto: Datto | None = None
    billingo: Billingo | None = None
    boberdoo: Boberdoo | None = None
    invoca: Invoca | None = None
    dispositions: Dispositions | None = None
    notices: NoticeChannel | None = None
    heartbeat_url: str | None = None
    heartbeat_key: str | None = field(default=None, repr=False)

    def clock(self) -> datetime:
        """Return the pipeline clock: `LEDGERHOUSE_NOW` or now, UTC without zone, whole seconds."""
        return self.now or datetime.now(UTC).replace(tzinfo=None, microsecond=0)

    def secrets(self) -> list[str]:
        """Return every value that must not appear in output, longest first."""
        return sorted({*_secrets(self), self.warehouse.secret()} - {""}, key=len, reverse=True)


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
    """Return `text` with every secret of `settings` replaced by `***`, however it is written (R9).

    The embedded server's well-known default password is no secret and stays.
    """
    for secret in settings.secrets():
        if len(secret) >= 4 and secret != "ledgerhouse":
            for form in _forms(secret):
                text = text.replace(form, "***")
    return text


def _forms(secret: str) -> list[str]:
    """Return a secret as it may stand in a text: as it is, quoted, or, of an address, in part."""
    parts = urlsplit(secret) if "://" in secret else None
    pieces = [f"{parts.path}?{parts.query}", parts.path, parts.query] if parts else []
    forms = [secret, *(piece for piece in pieces if len(piece.strip("/?")) >= 8)]
    return [*forms, *(quote(form, safe="") for form in forms), *map(quote, forms)]


def data_directory() -> Path:
    """Return the embedded server's folder: `.warehouse`, or `LEDGERHOUSE_EMBEDDED_DIR`."""
    return Path(os.environ.get("LEDGERHOUSE_EMBEDDED_DIR") or PROJECT / ".warehouse").absolute()


def read_settings() -> Settings:
    """Read the settings from the environment and `.env`; the environment wins.

    Raises SettingsError naming the variable and the cure.
    """
    load_dotenv(PROJECT / ".env", override=False)
    environment = os.environ
    for advice in unknown_variables(environment):
        log.warning("%s", advice)
    # `ledgerhouse env` prints the embedded server's host for other tools, and says whose it is.
    host = environment.get("WAREHOUSE_HOST")
    embedded = not host or (host == "127.0.0.1" and bool(environment.get("WAREHOUSE_IS_EMBEDDED")))
    seeds = environment.get("LEDGERHOUSE_SEEDS_DIR")
    return Settings(
        warehouse=Database(
            host=host or "127.0.0.1",
            port=_port("WAREHOUSE_PORT", 54329),
            user=environment.get("WAREHOUSE_USER", "ledgerhouse"),
            name=environment.get("WAREHOUSE_NAME", "warehouse"),
            password=environment.get("WAREHOUSE_PASSWORD", "" if embedded else "ledgerhouse"),
            password_file=data_directory() / OWNER_PASSWORD if embedded else None,
        ),
        warehouse_is_embedded=embedded,
        target=environment.get("WAREHOUSE_TARGET", "postgres"),
        published_schema=environment.get("WAREHOUSE_SCHEMA", "analytics"),
        seeds_directory=Path(seeds) if seeds else None,
        now=_clock(environment.get("LEDGERHOUSE_NOW")),
        max_deleted_share=_share("LEDGERHOUSE_MAX_DELETED_SHARE", 0.2),
        max_missing_share=_share("LEDGERHOUSE_MAX_MISSING_SHARE", 0.05),
        guard_share=_decimal("LEDGERHOUSE_GUARD_SHARE", GUARD_SHARE),
        guard_amount=_decimal("LEDGERHOUSE_GUARD_AMOUNT", GUARD_AMOUNT),
        analyst_role=environment.get("WAREHOUSE_ANALYST_ROLE", "analyst"),
        salt=_salt(),
        requests_per_minute=_number("LEDGERHOUSE_REQUESTS_PER_MINUTE", 0) or None,
        backoff_seconds=_share("LEDGERHOUSE_BACKOFF_SECONDS", 0.5),
        retry_seconds=_number("LEDGERHOUSE_RETRY_SECONDS", 60),
        max_answer_megabytes=_number("LEDGERHOUSE_MAX_ANSWER_MB", 200),
        max_pages=_number("LEDGERHOUSE_MAX_PAGES", 20_000),
        redshift=_redshift(),
        billing_db=_billing_db(),
        codex=_codex(),
        freshservice=_freshservice(),
        datto=_datto(),
        billingo=_billingo(),
        boberdoo=_boberdoo(),
        invoca=_invoca(),
        dispositions=_dispositions(),
        notices=_notices(),
        heartbeat_url=environment.get("INTERNAL_API_URL") or None,
        heartbeat_key=environment.get("INTERNAL_API_KEY") or None,
    )


def _redshift() -> Redshift | None:
    host = os.environ.get("REDSHIFT_HOST")
    if not host:
        return None
    stage = required("REDSHIFT_STAGE")
    if not stage.startswith("s3://"):
        raise SettingsError(f"REDSHIFT_STAGE is {stage!r}. It must be s3://bucket/prefix.")
    return Redshift(
        database=Database(
            host=host,
            port=_port("REDSHIFT_PORT", 5439),
            user=required("REDSHIFT_USER"),
            name=required("REDSHIFT_NAME"),
            password=required("REDSHIFT_PASSWORD"),
        ),
        stage=stage,
        role=required("REDSHIFT_ROLE"),
        sslmode=os.environ.get("REDSHIFT_SSLMODE", "verify-ca"),
    )


def _billing_db() -> Database | None:
    host = os.environ.get("BILLING_DB_HOST")
    if not host:
        return None
    return Database(
        host=host,
        port=_port("BILLING_DB_PORT", 5432),
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


def _boberdoo() -> Boberdoo | None:
    base_url = os.environ.get("BOBERDOO_BASE_URL")
    if not base_url:
        return None
    return Boberdoo(
        base_url=base_url,
        canary_lead_id=required("BOBERDOO_CANARY_LEAD_ID"),
        lead_types=_names(required("BOBERDOO_LEAD_TYPES")),
        key=required("BOBERDOO_KEY"),
        history_days=_number("BOBERDOO_HISTORY_DAYS", 370),
        lead_days=_number("BOBERDOO_LEAD_DAYS", 7),
        status_days=_number("BOBERDOO_STATUS_DAYS", 60),
        transaction_days=_number("BOBERDOO_TRANSACTION_DAYS", 90),
    )


def _invoca() -> Invoca | None:
    base_url = os.environ.get("INVOCA_BASE_URL")
    if not base_url:
        return None
    return Invoca(
        base_url=base_url,
        network_id=required("INVOCA_NETWORK_ID"),
        token=required("INVOCA_TOKEN"),
        custom_columns=_names(os.environ.get("INVOCA_CUSTOM_COLUMNS", "lead_id,lead_ids")),
        rescan_days=_number("INVOCA_RESCAN_DAYS", 7),
        page_size=_number("INVOCA_PAGE_SIZE", 4000),
    )


def _dispositions() -> Dispositions | None:
    folder = os.environ.get("DISPOSITIONS_DIR")
    feed_url = os.environ.get("DISPOSITIONS_FEED_URL")
    if not folder and not feed_url:
        return None
    return Dispositions(
        folder=Path(folder) if folder else None,
        feed_url=feed_url or None,
        feed_token=required("DISPOSITIONS_FEED_TOKEN") if feed_url else None,
    )


def _salt() -> str | None:
    salt = os.environ.get("LEDGERHOUSE_SALT") or None
    if salt and len(salt) < 16:
        raise SettingsError("LEDGERHOUSE_SALT is too short. It must have 16 characters or more.")
    return salt


def _notices() -> NoticeChannel | None:
    url = os.environ.get("NOTICE_URL")
    if not url:
        return None
    scheme = url.partition("://")[0]
    if scheme not in ("http", "https", "smtp", "smtps"):
        raise SettingsError(
            "NOTICE_URL is neither a webhook (https://...) nor a mail server (smtp://host:port)."
        )
    if scheme.startswith("http"):
        return NoticeChannel(url)
    return NoticeChannel(
        url=url,
        sender=required("NOTICE_FROM"),
        recipients=_names(required("NOTICE_TO")),
        user=os.environ.get("NOTICE_USER") or None,
        password=os.environ.get("NOTICE_PASSWORD") or None,
    )


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


def _port(name: str, default: int) -> int:
    port = _number(name, default)
    if not 0 < port < 65_536:
        raise SettingsError(f"{name} is {port}. It must be a port, from 1 to 65535.")
    return port


def _names(value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip())


def _share(name: str, default: float) -> float:
    value = os.environ.get(name, str(default))
    try:
        share = float(value)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise SettingsError(f"{name} is {value!r}. It must be a number from 0 to 1.")
    return share


def _decimal(name: str, default: Decimal) -> Decimal:
    value = os.environ.get(name, str(default))
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal("NaN")
    # Comparing, a NaN would let everything pass.
    if not number.is_finite() or number < 0:
        raise SettingsError(f"{name} is {value!r}. It must be a number of 0 or more.")
    return number


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
    ahead = moment - datetime.now(UTC).replace(tzinfo=None)
    if ahead > MAX_AHEAD and os.environ.get("LEDGERHOUSE_ALLOW_FUTURE") != "1":
        raise SettingsError(
            f"LEDGERHOUSE_NOW is {value!r}, more than a day ahead of this machine's clock. What is"
            " landed then is known only then, and everything landed before it is refused. Correct"
            " it; for a trial that may be thrown away, set LEDGERHOUSE_ALLOW_FUTURE=1."
        )
    return moment.replace(microsecond=0)
