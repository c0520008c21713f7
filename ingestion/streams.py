"""What a source lands where, what an answer is complete for, and the table that holds it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from ingestion.fields import Field
from ingestion.personal import NotErased, Personal


@dataclass(frozen=True)
class Stream:
    """One landed table, `landing.<source>__<name>`.

    `key` names the fields whose values, joined by `:`, are the record's `source_key`.
    `scope_field` is the payload field on which time windows and parents are declared (indexed).
    `max_deleted_share` overrides the setting of the same name (SPEC R3). `fields` are those that
    its staging model reads (SPEC R11). `personal` tells where its payload holds people, or why
    erasing leaves them there, or that it holds NOBODY.
    """

    source: str
    name: str
    key: tuple[str, ...]
    scope_field: str | None = None
    max_deleted_share: float | None = None
    fields: tuple[Field, ...] = ()
    personal: Personal | NotErased | None = field(kw_only=True)

    @property
    def people(self) -> Personal | None:
        """Return where its payload holds people who can be erased."""
        return self.personal if isinstance(self.personal, Personal) else None

    @property
    def table(self) -> sql.Identifier:
        """Return the quoted name of the landed table."""
        return sql.Identifier("landing", f"{self.source}__{self.name}")


@dataclass(frozen=True)
class Scope:
    """What an answer is complete for: the keys it would have named, had they still existed.

    `keys` is SQL that selects candidate source keys from {table} for parameter tenant; `live`
    narrows the latest version of each. An empty answer is never complete (SPEC R3), unless
    `may_be_empty`: a parent was answered, or its rows were counted at the source.
    """

    keys: str
    live: str = "true"
    parameters: dict[str, Any] = field(default_factory=dict)
    may_be_empty: bool = False
    live_before: int | None = None
    is_whole: bool = False

    def is_all(self, received: int) -> bool:
        """Tell whether these records are all that the source has, or most of them."""
        return self.is_whole or bool(self.live_before and 2 * received >= self.live_before)


EVERYTHING = Scope(
    "select distinct source_key from {table} where tenant = %(tenant)s", is_whole=True
)


def window(start: str, end: str) -> Scope:
    """Return the scope `[start, end)` of the stream's `scope_field`, compared as text."""
    inside = "payload ->> {scope_field} >= %(start)s and payload ->> {scope_field} < %(end)s"
    return Scope(
        f"select distinct source_key from {{table}} where tenant = %(tenant)s and {inside}",
        inside,
        {"start": start, "end": end},
    )


def children_of(parents: Sequence[str]) -> Scope:
    """Return the scope of all rows whose `scope_field` names one of the re-landed parents."""
    inside = "payload ->> {scope_field} = any(%(parents)s)"
    return Scope(
        f"select distinct source_key from {{table}} where tenant = %(tenant)s and {inside}",
        inside,
        {"parents": list(parents)},
        may_be_empty=bool(parents),
    )


def key_ranges(ranges: Sequence[tuple[int, int]], live_before: int, live_now: int) -> Scope:
    """Return the scope of whole-number keys in `(low, high)` ranges, of a counted source table.

    Both ends belong to a range: the highest id of all has none above it.
    """
    return Scope(
        "select cast(number as text) as source_key"
        " from unnest(%(lows)s::bigint[], %(highs)s::bigint[]) as ranges (low, high),"
        " generate_series(low, high) as number",
        parameters={"lows": [low for low, _ in ranges], "highs": [high for _, high in ranges]},
        may_be_empty=live_now > 0,
        live_before=live_before,
    )


def make_table(connection: psycopg.Connection, stream: Stream) -> None:
    """Make the stream's table and its indexes if they are not there."""
    name = f"landing.{stream.source}__{stream.name}"
    found = connection.execute("select to_regclass(%s)", (name,)).fetchone()
    if found and found[0]:
        return
    connection.execute(
        sql.SQL(
            "create table {table} ("
            "  tenant varchar(100) not null, source_key varchar(500) not null,"
            "  payload jsonb not null, payload_hash varchar(32) not null,"
            "  is_deleted boolean not null, loaded_at timestamp not null, load_id bigint not null)"
        ).format(table=stream.table)
    )
    make_key_index(connection, stream)
    connection.execute(
        sql.SQL("create index on {table} using brin (loaded_at) with (autosummarize = on)").format(
            table=stream.table
        )
    )
    if stream.scope_field:
        connection.execute(
            sql.SQL("create index on {table} (tenant, (payload ->> {field}))").format(
                table=stream.table, field=sql.Literal(stream.scope_field)
            )
        )


def _key_index(stream: Stream) -> str:
    return f"{stream.source}__{stream.name}_key"[-63:]


def make_key_index(connection: psycopg.Connection, stream: Stream) -> None:
    """Make the unique index of versions by key."""
    connection.execute(
        sql.SQL("create unique index {index} on {table} (source_key, tenant, loaded_at)").format(
            index=sql.Identifier(_key_index(stream)), table=stream.table
        )
    )


def drop_key_index(connection: psycopg.Connection, stream: Stream) -> None:
    """Drop the unique index of versions by key: a first landing makes it after its rows."""
    connection.execute(
        sql.SQL("drop index {index}").format(index=sql.Identifier("landing", _key_index(stream)))
    )
