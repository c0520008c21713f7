"""Mortgage lead sales: four delivery tables, prices and plans of `billing_db`.

The source has no `updated_at` and any row may change. So the source itself makes a fingerprint of
every block of ids, and only the blocks that differ from the last landing are read: every insert,
update and deletion is seen, and the cost follows what has changed (SPEC L9, R3).
"""

from dataclasses import dataclass

import psycopg
from psycopg import sql

from ingestion.environment import configured
from ingestion.fields import CHECKED, EFFECTIVE_TIME, NUMBER, WHOLE_NUMBER, Field, need, spare
from ingestion.loads import Load, LoadFailed, open_load
from ingestion.personal import NOBODY
from ingestion.run import Run
from ingestion.settings import redact
from ingestion.streams import EVERYTHING, Scope, Stream, key_ranges
from ingestion.warehouse import connect, connect_source, first_line

NAME = "billing_db"
REQUIRES = ("BILLING_DB_HOST", "BILLING_DB_USER", "BILLING_DB_NAME")

BLOCK_BITS = 10  # 1,024 ids a block
NO_ID = -1 << 62  # the block of rows without a whole number as id; no id's block is that low


@dataclass(frozen=True)
class Table:
    """A table of billing_db: the columns the loader needs, and the stream it is landed as."""

    name: str
    columns: tuple[str, ...]
    stream: Stream


def _table(stream: str, name: str, columns: tuple[str, ...], *fields: Field) -> Table:
    return Table(name, columns, Stream(NAME, stream, ("id",), fields=fields, personal=NOBODY))


def _deliveries(lead_type: str, name: str) -> Table:
    fields = need("lead_id", "mortgage_broker_id", "delivered_at", form=CHECKED)
    return _table(f"{lead_type}_deliveries", name, DELIVERY, *fields)


ID = need("id", form=WHOLE_NUMBER)
PRICE = ("id", "product", "price", "effective_at")
PLAN = (
    *("id", "mortgage_broker_id", "plan_name", "discount_type", "discount_value"),
    *("started_at", "ended_at"),
)
DELIVERY = ("id", "filter_id", "lead_id", "mortgage_broker_id", "delivered_at")
# Prices and plans first: what is landed with a delivery counts as known to it (L12).
TABLES = [
    _table(
        "product_prices",
        "product_price",
        PRICE,
        *ID,
        *need("product"),
        *need("price", form=NUMBER),
        *need("effective_at", form=EFFECTIVE_TIME),
    ),
    _table(
        "subscription_plans",
        "mortgage_broker_subscription_plan",
        PLAN,
        *ID,
        *need("mortgage_broker_id", form=WHOLE_NUMBER),
        *spare("plan_name", why="it only names things"),
        *need("discount_type"),
        *need("discount_value", form=NUMBER),
        *need("started_at", form=EFFECTIVE_TIME),
        *need("ended_at", form=EFFECTIVE_TIME, may_be_blank=True),
    ),
    _deliveries("professional", "mortgage_broker_filter_to_mortgage_lead"),
    _deliveries("construction", "construction_loan_lead_filter_to_construction_loan_lead"),
    _deliveries("hard_money", "hard_money_lead_filter_to_hard_money_lead"),
    _deliveries("land", "land_lead_filter_to_land_lead"),
]
STREAMS = [table.stream for table in TABLES]

WHOLE_NUMBERS = ("smallint", "integer", "bigint")
# What staging casts without a guard, since millions of rows pay for it.
TYPES = {
    **dict.fromkeys(("lead_id", "mortgage_broker_id"), WHOLE_NUMBERS),
    "delivered_at": ("timestamp without time zone", "timestamp with time zone"),
}

# block -> (rows, fingerprint)
Blocks = dict[int, tuple[int, int]]


def is_configured(run: Run) -> bool:
    """Tell whether the settings name a billing_db."""
    return run.settings.billing_db is not None


def sync(run: Run) -> list[Load]:
    """Land all six tables, read in one repeatable-read transaction of the source (SPEC 0)."""
    place = configured(run.settings.billing_db, *REQUIRES)
    source = connect_source(place, run.settings, "BILLING_DB")
    source.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    source.read_only = True
    with source, connect(run.settings) as warehouse:
        return [_land_table(run, source, warehouse, table) for table in TABLES]


def _land_table(
    run: Run, source: psycopg.Connection, warehouse: psycopg.Connection, table: Table
) -> Load:
    stream = table.stream
    with open_load(warehouse, run.settings, stream, loaded_at=run.loaded_at) as load:
        before = _blocks_landed(warehouse, stream)
        try:
            block = _block_of_id(source, table)
            now = _blocks_at_source(source, table, block)
            differing = sorted(
                number
                for number in now.keys() | before.keys()
                if run.full or now.get(number) != before.get(number)
            )
            for part in _parts(differing, block):
                with source.cursor().copy(_rows(table, part)) as rows:
                    load.copy_rows(rows)
        except psycopg.Error as error:
            message = f"{NAME}.{table.name} cannot be read: {first_line(error)}"
            raise LoadFailed(redact(message, run.settings)) from error
        load.also(lambda connection: _keep_blocks(connection, stream, now))
        load.complete(scope=_scope(differing, block, before, now))
    return load


def _block_of_id(source: psycopg.Connection, table: Table) -> str:
    """Return the SQL that gives a row's block; raises LoadFailed for a column that does not fit."""
    types: dict[str, str] = dict(
        source.execute(
            "select attname, format_type(atttypid, null) from pg_attribute"
            " where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped",
            (table.name,),
        ).fetchall()
    )
    if not types:
        raise LoadFailed(
            f"{NAME} has no table {table.name} that its user may see. Check BILLING_DB_NAME, and "
            "what BILLING_DB_USER may read."
        )
    missing = [name for name in table.columns if name not in types]
    if missing:
        others = [name for name in types if name not in table.columns]
        raise LoadFailed(
            f"{NAME}.{table.name} has no column {', '.join(missing)}. The loader needs "
            f"{', '.join(table.columns)}."
            + (f" One may be called {' or '.join(others)} now." if others else "")
        )
    for field in table.stream.fields:
        name, allowed = field.path, TYPES.get(field.path, ())
        if field.form is CHECKED and types[name] not in allowed:
            raise LoadFailed(
                f"{NAME}.{table.name}.{name} is {types[name]}; it must be {allowed[-1]}."
            )
    if types["id"] in WHOLE_NUMBERS:
        return f"coalesce(id::bigint >> {BLOCK_BITS}, {NO_ID})"
    return str(NO_ID)


def _blocks_at_source(source: psycopg.Connection, table: Table, block: str) -> Blocks:
    # Postgres expects as many blocks as ids and counts them in one process; a union hides the ids.
    query = sql.SQL(
        "select block, count(*), bit_xor(fingerprint) from ("
        "  select " + block + " as block, hash_record_extended(row, 0) as fingerprint"
        "  from (select {columns} from {table}) as row"
        "  union all select null, null where false"
        ") as fingerprints group by block"
    )
    return {
        number: (count, fingerprint)
        for number, count, fingerprint in source.execute(_named(query, table))
    }


def _blocks_landed(warehouse: psycopg.Connection, stream: Stream) -> Blocks:
    rows = warehouse.execute(
        "select block, row_count, fingerprint from landing.source_blocks"
        " where source = %s and stream = %s and tenant = 'main'",
        (NAME, stream.name),
    )
    return {number: (count, fingerprint) for number, count, fingerprint in rows}


def _keep_blocks(warehouse: psycopg.Connection, stream: Stream, now: Blocks) -> None:
    warehouse.execute(
        "delete from landing.source_blocks where source = %s and stream = %s and tenant = 'main'",
        (NAME, stream.name),
    )
    with warehouse.cursor().copy(
        "copy landing.source_blocks (source, stream, tenant, block, row_count, fingerprint)"
        " from stdin"
    ) as copy:
        for number, (count, fingerprint) in now.items():
            copy.write_row((NAME, stream.name, "main", number, count, fingerprint))


def _parts(differing: list[int], block: str) -> list[sql.Composable]:
    """Return the conditions that together select the rows of the differing blocks."""
    if differing and block == str(NO_ID):
        return [sql.SQL("true")]
    parts: list[sql.Composable] = [
        sql.SQL("id between {} and {}").format(sql.Literal(low), sql.Literal(high))
        for low, high in _id_ranges(differing)
    ]
    return parts + ([sql.SQL("id is null")] if NO_ID in differing else [])


def _id_ranges(differing: list[int]) -> list[tuple[int, int]]:
    """Return the (lowest, highest) ids of the blocks, neighbours joined."""
    ranges: list[tuple[int, int]] = []
    for number in differing:
        low, high = number << BLOCK_BITS, (number + 1 << BLOCK_BITS) - 1
        if number == NO_ID:
            continue
        if ranges and ranges[-1][1] + 1 == low:
            ranges[-1] = (ranges[-1][0], high)
        else:
            ranges.append((low, high))
    return ranges


def _rows(table: Table, part: sql.Composable) -> sql.Composed:
    query = "copy (select id::text, row_to_json(row) from (select {columns} from {table} where "
    return sql.Composed([_named(sql.SQL(query), table), part, sql.SQL(") as row) to stdout")])


def _named(query: sql.SQL, table: Table) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    return query.format(columns=columns, table=sql.Identifier(table.name))


def _scope(differing: list[int], block: str, before: Blocks, now: Blocks) -> Scope | None:
    if not differing:
        return None
    if block == str(NO_ID):
        return EVERYTHING
    return key_ranges(
        _id_ranges(differing),
        live_before=sum(count for count, _ in before.values()),
        live_now=sum(count for count, _ in now.values()),
    )
