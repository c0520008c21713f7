"""Publishing: what analysts read changes all at once, and only when every test has passed (O4).

The published schema holds no view of the marts, which change while they are built. It holds:
the ledger, only ever added to (`seal.py`); views that read nothing but what is published
or the pipeline's own books; and a copy of every other mart. All of it changes in one transaction,
without a lock that a reader would wait for.
"""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from ingestion.environment import SettingsError
from ingestion.lock import keep_turn
from ingestion.settings import Settings
from ingestion.warehouse import one_row
from orchestration import seal
from orchestration.dbt import Mart
from orchestration.rules import note_rules, rules_in_force
from orchestration.seal import Sealing

log = logging.getLogger(__name__)

READS = """
select distinct namespaces.nspname, relations.relname
from pg_depend
inner join pg_rewrite on pg_depend.objid = pg_rewrite.oid
inner join pg_class as relations on pg_depend.refobjid = relations.oid
inner join pg_namespace as namespaces on relations.relnamespace = namespaces.oid
where pg_depend.classid = 'pg_rewrite'::regclass and pg_depend.refclassid = 'pg_class'::regclass
    and pg_rewrite.ev_class = %(relation)s::regclass and relations.oid != pg_rewrite.ev_class
"""
COLUMNS = """
select attname, format_type(atttypid, atttypmod) from pg_attribute
where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum
"""

# What is said of a relation (its `column_name` is blank) and of its columns, where the published
# one does not say it yet.
COMMENTS = """
with sayings as (
    select relnamespace, relname, relkind::text, '' as column_name,
        obj_description(oid, 'pg_class') as said
    from pg_class
    union all
    select relnamespace, relname, relkind::text, attname, col_description(attrelid, attnum)
    from pg_attribute
    inner join pg_class on attrelid = pg_class.oid
    where attnum > 0 and not attisdropped
)
select published.relname, published.relkind, published.column_name, built.said
from sayings as built
inner join sayings as published
    on built.relname = published.relname and built.column_name = published.column_name
where built.relnamespace = to_regnamespace(%(built)s) and built.relname = any(%(names)s)
    and published.relnamespace = to_regnamespace(%(published)s)
    and built.said is distinct from published.said
"""


def publish(
    connection: psycopg.Connection,
    settings: Settings,
    marts: Sequence[Mart],
    attempt_id: int | None = None,
    sealing: Sealing | None = None,
) -> None:
    """Let analysts read what is built now; `marts` are given each after those it reads.

    The caller holds the run lock, every test has passed, and the guard has let `attempt_id` pass.
    `sealing` is what comparing it with what is published has found; raises PastChangesError where
    that was not done, and would be changed.
    """
    with connection.transaction():
        keep_turn(connection, settings)
        _make_schema(connection, settings)
        sealing = sealing or seal.check(connection, settings, marts)
        published_through = sealing.published_through
        ledger_file = _publish_all(connection, settings.published_schema, marts, published_through)
        _comment(connection, settings.published_schema, marts)
        _grant(connection, settings, marts)
        if sealing.version:
            note_rules(connection, settings, sealing.rules, sealing.version)
        in_force = rules_in_force(connection, settings)
        published = connection.execute(
            "insert into landing.publications (schema_name, known_through, published_at,"
            " ledger_file, attempt_id, rule_version_id)"
            " values (%s, %s, clock_timestamp(), %s, %s, %s) returning publication_id",
            (
                *(settings.published_schema, sealing.known_through, ledger_file, attempt_id),
                in_force.rule_version_id if in_force else None,
            ),
        )
        seal.note(connection, sealing, one_row(published)[0])
    log.info("%s marts published to %s", len(marts), settings.published_schema)


def published_through(connection: psycopg.Connection, settings: Settings) -> datetime | None:
    """Return the known time that analysts' figures stand at; None where nothing is published."""
    last = seal.last_publication(connection, settings.published_schema)
    return last.known_through if last else None


def is_appended(connection: psycopg.Connection, schema: str, mart: Mart) -> bool:
    """Tell whether publishing only adds to an append-only mart; else it is copied whole.

    The table's file tells: a rebuilt or truncated table has another one.
    """
    last = seal.last_publication(connection, schema)
    is_same_file = last is not None and seal.file_of(connection, mart) == last.ledger_file
    return is_same_file and _fits(connection, schema, mart)


def read_published(connection: psycopg.Connection, settings: Settings) -> None:
    """Let bare names mean what is published; raises SettingsError where nothing is."""
    schema = settings.published_schema
    if not _kind(connection, schema, "rpt_publications"):
        raise SettingsError(f"Nothing is published to {schema} yet: run `ledgerhouse nightly`.")
    connection.execute("select set_config('search_path', %s, false)", (schema,))


def _make_schema(connection: psycopg.Connection, settings: Settings) -> None:
    role = settings.analyst_role
    connection.execute(
        sql.SQL("create schema if not exists {}").format(sql.Identifier(settings.published_schema))
    )
    if _one(connection, "select 1 from pg_roles where rolname = %s", role):
        return
    try:
        connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
        # The dashboard is read as this role; its maker may not become it without this.
        connection.execute(sql.SQL("grant {} to current_user").format(sql.Identifier(role)))
    except psycopg.errors.InsufficientPrivilege:
        raise SettingsError(
            f"The analysts' role {role} does not exist and this user may not make it. Let an"
            f" administrator run `create role {role} nologin`, or name another role in"
            " WAREHOUSE_ANALYST_ROLE."
        ) from None


def _publish_all(
    connection: psycopg.Connection,
    schema: str,
    marts: Sequence[Mart],
    published_through: datetime | None,
) -> int:
    published, ledger_file = {mart.name for mart in marts}, 0
    for mart in marts:
        if mart.appended_by:
            ledger_file = _append(connection, schema, mart, published_through)
        elif _reads_only(connection, mart, published):
            _define(connection, schema, mart)
        else:
            _copy(connection, schema, mart)
    _drop_others(connection, schema, published)
    return ledger_file


def _append(
    connection: psycopg.Connection, schema: str, mart: Mart, published_through: datetime | None
) -> int:
    """Add what is new to the published ledger; nothing of what is there changes (SPEC L18).

    It is copied whole where nothing was published, or where it is gone and is built as it was.
    """
    if published_through is None or _kind(connection, schema, mart.name) != "r":
        _copy(connection, schema, mart)
        return seal.file_of(connection, mart)
    there = {name for name, _ in _columns(connection, schema, mart.name)}
    columns = _columns(connection, mart.schema, mart.name)
    for name, kind in columns:
        if name not in there:
            connection.execute(
                sql.SQL("alter table {} add column {} {}").format(
                    sql.Identifier(schema, mart.name), sql.Identifier(name), sql.SQL(kind)
                )
            )
    connection.execute(
        sql.SQL("insert into {} ({columns}) select {columns} from {} where {} > %s").format(
            sql.Identifier(schema, mart.name),
            sql.Identifier(mart.schema, mart.name),
            sql.Identifier(mart.appended_by or ""),
            columns=sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
        ),
        (published_through,),
    )
    return seal.file_of(connection, mart)


def _copy(connection: psycopg.Connection, schema: str, mart: Mart) -> None:
    """Fill the published table with what the mart says now; readers see the old rows meanwhile.

    A view says it of the marts that are published already, so that none is computed twice.
    """
    target, source = sql.Identifier(schema, mart.name), sql.Identifier(mart.schema, mart.name)
    is_view = _kind(connection, mart.schema, mart.name) == "v"
    if _fits(connection, schema, mart):
        connection.execute(sql.SQL("delete from {}").format(target))
    else:
        _drop(connection, schema, mart.name)
        form = (
            "create table {} as select * from {} with no data"
            if is_view
            else "create table {} (like {} including all)"
        )
        connection.execute(sql.SQL(form).format(target, source))
    if is_view:
        definition = _definition(connection, mart.schema, mart.name)
        with _search_path(connection, schema):
            connection.execute(sql.SQL("insert into {} ").format(target) + sql.SQL(definition))
    else:
        connection.execute(sql.SQL("insert into {} select * from {}").format(target, source))
    connection.execute(sql.SQL("analyze {}").format(target))


def _define(connection: psycopg.Connection, schema: str, mart: Mart) -> None:
    """Make the mart's view over what is published, unless it is there as it is.

    The comment of its rule is the mark of the definition it was made from; Postgres writes its own
    anew.
    """
    definition = _definition(connection, mart.schema, mart.name)
    mark = hashlib.md5(definition.encode(), usedforsecurity=False).hexdigest()
    if mark == _one(
        connection,
        "select obj_description(oid, 'pg_rewrite') from pg_rewrite"
        " where ev_class = to_regclass(%s)",
        f"{schema}.{mart.name}",
    ):
        return
    _drop(connection, schema, mart.name)
    with _search_path(connection, schema):
        connection.execute(
            sql.SQL("create view {} as ").format(sql.Identifier(schema, mart.name))
            + sql.SQL(definition)
        )
    connection.execute(
        sql.SQL('comment on rule "_RETURN" on {} is {}').format(
            sql.Identifier(schema, mart.name), mark
        )
    )


def _comment(connection: psycopg.Connection, schema: str, marts: Sequence[Mart]) -> None:
    """Let what is published say of itself what the marts say (dbt's `persist_docs`)."""
    for built in {mart.schema for mart in marts}:
        names = [mart.name for mart in marts if mart.schema == built]
        changed = connection.execute(
            COMMENTS, {"built": built, "published": schema, "names": names}
        ).fetchall()
        for name, relation_kind, column, said in changed:
            kind = "column" if column else {"r": "table", "v": "view"}[relation_kind]
            place = sql.Identifier(schema, name, *([column] if column else []))
            connection.execute(sql.SQL(f"comment on {kind} {{}} is {{}}").format(place, said))


def _drop_others(connection: psycopg.Connection, schema: str, published: set[str]) -> None:
    """Drop what is published of marts that are no more."""
    rows = connection.execute(
        "select relname from pg_class where relnamespace = to_regnamespace(%s)"
        " and relkind in ('r', 'v')",
        (schema,),
    ).fetchall()
    for (name,) in rows:
        if name not in published:
            _drop(connection, schema, name)


def _drop(connection: psycopg.Connection, schema: str, name: str) -> None:
    kind = {"r": "table", "v": "view"}.get(_kind(connection, schema, name) or "")
    if kind:
        connection.execute(
            sql.SQL(f"drop {kind} {{}} cascade").format(sql.Identifier(schema, name))
        )


def _grant(connection: psycopg.Connection, settings: Settings, marts: Sequence[Mart]) -> None:
    """Let the analysts' role select every published column but personal data, and nothing else."""
    schema, role = settings.published_schema, sql.Identifier(settings.analyst_role)
    connection.execute(
        sql.SQL("grant usage on schema {} to {}").format(sql.Identifier(schema), role)
    )
    for mart in marts:
        relation = sql.Identifier(schema, mart.name)
        connection.execute(sql.SQL("revoke all on {} from {}").format(relation, role))
        allowed: sql.Composable = sql.SQL("")
        if mart.personal:
            names = [name for name, _ in _columns(connection, schema, mart.name)]
            allowed = sql.SQL("({})").format(
                sql.SQL(", ").join(
                    sql.Identifier(name) for name in names if name not in mart.personal
                )
            )
        connection.execute(sql.SQL("grant select {} on {} to {}").format(allowed, relation, role))


def _reads_only(connection: psycopg.Connection, mart: Mart, published: set[str]) -> bool:
    """Tell whether the mart is a view of published marts and of the pipeline's own books alone."""
    if _kind(connection, mart.schema, mart.name) != "v":
        return False
    reads = connection.execute(READS, {"relation": f"{mart.schema}.{mart.name}"}).fetchall()
    return all(
        (schema == mart.schema and name in published) or (schema == "landing" and "__" not in name)
        for schema, name in reads
    )


def _fits(connection: psycopg.Connection, schema: str, mart: Mart) -> bool:
    """Tell whether the published table has the mart's columns."""
    return _kind(connection, schema, mart.name) == "r" and _columns(
        connection, schema, mart.name
    ) == _columns(connection, mart.schema, mart.name)


def _kind(connection: psycopg.Connection, schema: str, name: str) -> str | None:
    kind: str | None = _one(
        connection,
        "select relkind::text from pg_class where oid = to_regclass(%s)",
        f"{schema}.{name}",
    )
    return kind


def _columns(connection: psycopg.Connection, schema: str, name: str) -> list[tuple[str, str]]:
    return connection.execute(COLUMNS, (f"{schema}.{name}",)).fetchall()


def _definition(connection: psycopg.Connection, schema: str, name: str) -> str:
    """Return a view's query, with the names of its own schema bare."""
    with _search_path(connection, schema):
        query: str = _one(connection, "select pg_get_viewdef(%s::regclass)", f"{schema}.{name}")
    return query


@contextmanager
def _search_path(connection: psycopg.Connection, schema: str) -> Iterator[None]:
    connection.execute("select set_config('search_path', %s, true)", (schema,))
    yield
    connection.execute("set local search_path to default")


def _one(connection: psycopg.Connection, query: str | sql.Composed, *parameters: Any) -> Any:
    row = connection.execute(query, parameters).fetchone()
    return row[0] if row else None
