"""Redshift as dbt's target (`targets.Target`): it has a copy of landing, and publishes by copying.

Every mart is copied, in one transaction, when every test has passed.

The rules are those of `publish.py` (SPEC O4). Here even the ledger is copied whole: a columnar
copy costs seconds, and Redshift has no file number that tells whether a table was built again.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import redshift_connector

from ingestion.redshift import connect, execute, forget_snapshots, replicate
from ingestion.settings import Settings
from orchestration.dbt import Mart
from orchestration.targets import Ask

__all__ = [
    "check",
    "forget_snapshots",
    "is_built",
    "note_snapshots",
    "publish",
    "querying",
    "remember_views",
    "show_landed",
    "views_are_unchanged",
]

log = logging.getLogger(__name__)

PUBLISHED = """
select table_name from information_schema.tables
where table_schema = %s and table_type = 'BASE TABLE'
"""


def show_landed(connection: psycopg.Connection, settings: Settings) -> None:
    """Copy to Redshift what is landed since the last copy (docs/redshift.md)."""
    replicate(connection, settings)


def note_snapshots(connection: psycopg.Connection) -> None:
    """Snapshots on Redshift keep their own watermarks: there is nothing to write down."""


def views_are_unchanged(connection: psycopg.Connection, settings: Settings) -> bool:
    """Return that they are not: Redshift makes its views each time, as it binds them late."""
    return False


def remember_views(connection: psycopg.Connection, settings: Settings) -> None:
    """Write down nothing: every view is made again."""


def is_built(connection: psycopg.Connection, settings: Settings) -> bool:
    """Return that it is: what was built by other rules is not told yet on Redshift."""
    return True


def check(connection: psycopg.Connection, settings: Settings, marts: Sequence[Mart]) -> None:
    """Compare nothing: what Redshift publishes is not sealed yet (docs/redshift.md)."""


def publish(
    warehouse: psycopg.Connection,
    settings: Settings,
    marts: Sequence[Mart],
    attempt_id: int | None = None,
    sealing: None = None,
) -> None:
    """Let analysts read what is built now; the caller holds the run lock, every test has passed.

    The analysts' role is made by an administrator (docs/redshift.md).
    """
    schema = settings.published_schema
    with closing(connect(settings)) as connection:
        execute(connection, f"create schema if not exists {schema}")
        execute(connection, f"grant usage on schema {schema} to role {settings.analyst_role}")
        there = {name for (name,) in execute(connection, PUBLISHED, schema).fetchall()}
        for mart in marts:
            _copy(connection, schema, mart, there)
            _grant(connection, settings, mart)
        for name in there - {mart.name for mart in marts}:
            execute(connection, f"drop table {schema}.{name}")
        _remember(connection, schema, marts)
        connection.commit()
    log.info("%s marts published to %s", len(marts), schema)


@contextmanager
def querying(settings: Settings) -> Iterator[Ask]:
    """Yield a function that queries Redshift, for the guard (SPEC L19)."""
    with closing(connect(settings)) as connection:
        yield lambda query: [
            tuple(row) for row in execute(connection, query.as_string(None)).fetchall()
        ]


def _copy(
    connection: redshift_connector.Connection, schema: str, mart: Mart, there: set[str]
) -> None:
    """Fill the published table with what the mart says now; readers see the old rows meanwhile."""
    target, source = f"{schema}.{mart.name}", f"{mart.schema}.{mart.name}"
    if mart.name in there and _columns(connection, target) == _columns(connection, source):
        execute(connection, f"delete from {target}")
        execute(connection, f"insert into {target} select * from {source}")
        return
    execute(connection, f"drop table if exists {target}")
    execute(connection, f"create table {target} as select * from {source}")


def _columns(connection: redshift_connector.Connection, relation: str) -> list[tuple[Any, ...]]:
    """Return names and types of columns; the catalogue lacks those of late-binding views."""
    found = execute(connection, f"select * from {relation} limit 0").description
    return [tuple(column[:2]) for column in found]


def _grant(connection: redshift_connector.Connection, settings: Settings, mart: Mart) -> None:
    """Let the analysts' role select every published column but personal data, and nothing else."""
    target, role = f"{settings.published_schema}.{mart.name}", settings.analyst_role
    execute(connection, f"revoke all on {target} from role {role}")
    allowed = ""
    if mart.personal:
        names = [name for name, _ in _columns(connection, target)]
        allowed = f" ({', '.join(name for name in names if name not in mart.personal)})"
    execute(connection, f"grant select{allowed} on {target} to role {role}")


def _remember(
    connection: redshift_connector.Connection, schema: str, marts: Sequence[Mart]
) -> None:
    schemas = ", ".join(f"'{name}'" for name in sorted({mart.schema for mart in marts}))
    execute(
        connection,
        "insert into landing.publications (schema_name, known_through, published_at)"
        f" select '{schema}', coalesce(max(known_through), cast('0001-01-01' as timestamp)),"
        " cast(getdate() as timestamp) from landing.build_watermarks"
        f" where model_name = 'fct_ledger_entries' and schema_name in ({schemas})",
    )
