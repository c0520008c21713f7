"""Every setting, read from the environment (and a git-ignored `.env`) once (SPEC O3)."""

import logging
import os
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from dotenv import load_dotenv

from ingestion.environment import (
    Database,
    SettingsError,
    decimal,
    names,
    number,
    port,
    required,
    share,
)
from ingestion.sources.billing_db_account import read_billing_db
from ingestion.sources.billingo_account import Billingo, read_billingo
from ingestion.sources.boberdoo_account import Boberdoo, read_boberdoo
from ingestion.sources.codex_account import Codex, read_codex
from ingestion.sources.datto_account import Datto, read_datto
from ingestion.sources.dispositions_account import Dispositions, read_dispositions
from ingestion.sources.freshservice_account import Freshservice, read_freshservice
from ingestion.sources.invoca_account import Invoca, read_invoca
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

    def at_one_clock(self) -> "Settings":
        """Return the settings of one run: its clock stands still (SPEC R3a)."""
        return replace(self, now=self.clock())

    def secrets(self) -> list[str]:
        """Return every value that must not appear in output, longest first."""
        return sorted({*_secrets(self), self.warehouse.secret()} - {""}, key=len, reverse=True)


def _secrets(part: Any) -> list[str]:
    found = []
    for item in fields(part):
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
            port=port("WAREHOUSE_PORT", 54329),
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
        max_deleted_share=share("LEDGERHOUSE_MAX_DELETED_SHARE", 0.2),
        max_missing_share=share("LEDGERHOUSE_MAX_MISSING_SHARE", 0.05),
        guard_share=decimal("LEDGERHOUSE_GUARD_SHARE", GUARD_SHARE),
        guard_amount=decimal("LEDGERHOUSE_GUARD_AMOUNT", GUARD_AMOUNT),
        analyst_role=environment.get("WAREHOUSE_ANALYST_ROLE", "analyst"),
        salt=_salt(),
        requests_per_minute=number("LEDGERHOUSE_REQUESTS_PER_MINUTE", 0) or None,
        backoff_seconds=share("LEDGERHOUSE_BACKOFF_SECONDS", 0.5),
        retry_seconds=number("LEDGERHOUSE_RETRY_SECONDS", 60),
        max_answer_megabytes=number("LEDGERHOUSE_MAX_ANSWER_MB", 200),
        max_pages=number("LEDGERHOUSE_MAX_PAGES", 20_000),
        redshift=_redshift(),
        billing_db=read_billing_db(),
        codex=read_codex(),
        freshservice=read_freshservice(),
        datto=read_datto(),
        billingo=read_billingo(),
        boberdoo=read_boberdoo(),
        invoca=read_invoca(),
        dispositions=read_dispositions(),
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
            port=port("REDSHIFT_PORT", 5439),
            user=required("REDSHIFT_USER"),
            name=required("REDSHIFT_NAME"),
            password=required("REDSHIFT_PASSWORD"),
        ),
        stage=stage,
        role=required("REDSHIFT_ROLE"),
        sslmode=os.environ.get("REDSHIFT_SSLMODE", "verify-ca"),
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
        recipients=names(required("NOTICE_TO")),
        user=os.environ.get("NOTICE_USER") or None,
        password=os.environ.get("NOTICE_PASSWORD") or None,
    )


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
