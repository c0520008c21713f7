"""Two builds of the same project, relation by relation: names, columns, types, rows."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

SCHEMAS = ("snapshots", "staging", "intermediate", "marts")
COLUMNS = """
select namespaces.nspname || '.' || relations.relname as relation, columns.attname,
    format_type(columns.atttypid, columns.atttypmod)
from pg_attribute as columns
inner join pg_class as relations on columns.attrelid = relations.oid
inner join pg_namespace as namespaces on relations.relnamespace = namespaces.oid
where namespaces.nspname = any(%s) and relations.relkind in ('r', 'v')
    and columns.attnum > 0 and not columns.attisdropped
order by 1, columns.attnum
"""
SHOWN = 3


@dataclass
class Difference:
    """How one relation differs; `only` holds rows of one side, with their number."""

    relation: str
    columns: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    only: dict[str, Counter[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the difference as lines for a person."""
        lines = [self.relation]
        lines += [f"  {name}: {one} or {other}" for name, (one, other) in self.columns.items()]
        for side, rows in self.only.items():
            lines.append(f"  {rows.total()} rows on {side} only")
            lines += [f"    {row}" for row, _ in rows.most_common(SHOWN)]
        return "\n".join(lines)


def differences(postgres: psycopg.Connection, redshift: psycopg.Connection) -> Iterator[Difference]:
    """Yield what differs between two databases, the second of which is the stand-in's."""
    one, other = columns_of(postgres), columns_of(redshift)
    for relation in sorted(one.keys() | other.keys()):
        mine, theirs = one.get(relation, {}), other.get(relation, {})
        difference = Difference(relation)
        for name in {**mine, **theirs}:
            if mine.get(name) != theirs.get(name):
                difference.columns[name] = (mine.get(name), theirs.get(name))
        names = [name for name in mine if name in theirs]
        if names and _digest(postgres, relation, names) != _digest(redshift, relation, names):
            rows, others = _rows(postgres, relation, names), _rows(redshift, relation, names)
            difference.only = {"Postgres": rows - others, "Redshift": others - rows}
        if difference.columns or difference.only:
            yield difference


def row_counts(connection: psycopg.Connection) -> dict[str, int]:
    """Return the number of rows of every relation."""
    return {
        relation: connection.execute(
            sql.SQL("select count(*) from {}").format(_identifier(relation))
        ).fetchone()[0]
        for relation in columns_of(connection)
    }


def columns_of(connection: psycopg.Connection) -> dict[str, dict[str, str]]:
    """Return every relation's columns with their types."""
    found: dict[str, dict[str, str]] = {}
    for relation, name, kind in connection.execute(COLUMNS, (list(SCHEMAS),)):
        found.setdefault(relation, {})[name] = kind
    return found


def _identifier(relation: str) -> sql.Identifier:
    return sql.Identifier(*relation.split("."))


def _texts(relation: str, names: list[str]) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    return sql.SQL("select cast(row({}) as text) as line from {}").format(
        columns, _identifier(relation)
    )


def _digest(connection: psycopg.Connection, relation: str, names: list[str]) -> str | None:
    query = sql.SQL("select md5(string_agg(line, chr(10) order by line collate {})) from ({}) as x")
    row = connection.execute(query.format(sql.Identifier("C"), _texts(relation, names))).fetchone()
    return row[0] if row else None


def _rows(connection: psycopg.Connection, relation: str, names: list[str]) -> Counter[str]:
    return Counter(line for (line,) in connection.execute(_texts(relation, names)))
