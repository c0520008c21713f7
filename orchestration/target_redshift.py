"""Redshift as dbt's target (`targets.Target`): it has a copy of landing, and publishes by copying.

Every mart is copied, in one transaction, when every test has passed; the ledger is only added to.

The rules are those of `publish.py` and `seal.py` (SPEC O4, L18). Redshift has no file number that
tells whether a table was built again, so every night compares all entries with those published.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import redshift_connector

from ingestion.redshift import connect, execute, forget_snapshots, replicate
from ingestion.settings import Settings
from orchestration import seal
from orchestration.dbt import Mart
from orchestration.rules import FIRST, NO_EFFECT, note_rules, rule_hash, rules_in_force
from orchestration.seal import Ask, PastChangesError

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


TYPES = """
select column_name, data_type, character_maximum_length, numeric_precision, numeric_scale
from information_schema.columns where table_schema = %s and table_name = %s
order by ordinal_position
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
    """Return whether all was built there by today's rules; else a run builds all again (L17)."""
    with querying(settings) as ask:
        return seal.is_built(connection, settings, ask)


def check(connection: psycopg.Connection, settings: Settings, marts: Sequence[Mart]) -> None:
    """Compare what is built there with what is published; raises PastChangesError (SPEC L18)."""
    rules, in_force = rule_hash(settings), rules_in_force(connection, settings)
    ledger = seal.ledger_of(marts)
    with querying(settings) as ask:
        change = seal.find_differences(ask, settings, ledger, rules, in_force)
        if not in_force:
            seal.refuse_other_than_sealed(connection, ask, settings, ledger)
    if change:
        raise PastChangesError(change)


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
            if mart.appended_by and mart.name in there:
                _append(connection, schema, mart)
            else:
                _copy(connection, schema, mart, there)
            _grant(connection, settings, mart)
        for name in there - {mart.name for mart in marts}:
            execute(connection, f"drop table {schema}.{name}")
        _remember(connection, schema, marts)
        connection.commit()
    _note_rules(warehouse, settings)
    log.info("%s marts published to %s", len(marts), schema)


def _note_rules(warehouse: psycopg.Connection, settings: Settings) -> None:
    """Write down in the books that other rules are in force on Redshift (SPEC L17)."""
    rules, in_force = rule_hash(settings), rules_in_force(warehouse, settings)
    if not in_force or in_force.rule_hash != rules:
        reason = NO_EFFECT if in_force else FIRST
        note_rules(warehouse, settings, rules, (reason, "", settings.clock()))


@contextmanager
def querying(settings: Settings) -> Iterator[Ask]:
    """Yield a function that queries Redshift, for the guard (SPEC L19)."""
    with closing(connect(settings)) as connection:
        yield lambda query: [
            tuple(row) for row in execute(connection, query.as_string(None)).fetchall()
        ]


def _append(connection: redshift_connector.Connection, schema: str, mart: Mart) -> None:
    """Add what is new to the published ledger; nothing of what is there changes (SPEC L18)."""
    target, source = f"{schema}.{mart.name}", f"{mart.schema}.{mart.name}"
    there = {name for name, *_ in _columns(connection, target)}
    for name, kind in _types(connection, mart):
        if name not in there:
            execute(connection, f"alter table {target} add column {name} {kind}")
    names = ", ".join(name for name, *_ in _columns(connection, source))
    execute(
        connection,
        f"insert into {target} ({names}) select {names} from {source} where {mart.appended_by} > ("
        "select coalesce(max(known_through), cast('0001-01-01' as timestamp))"
        " from landing.publications where schema_name = %s)",
        schema,
    )


def _types(connection: redshift_connector.Connection, mart: Mart) -> list[tuple[str, str]]:
    """Return the columns of a table with their types."""
    rows = execute(connection, TYPES, mart.schema, mart.name).fetchall()
    return [
        (name, f"{kind}({length})" if length else f"numeric({digits}, {scale})" if scale else kind)
        for name, kind, length, digits, scale in rows
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
