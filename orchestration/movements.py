"""What a publication would move: the ledger that is built beside the one that is published (L19).

A night compares what it appends, by indexes; a ledger that was built again is compared whole. The
SQL is the same for both targets; the books are on Postgres.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal

import psycopg
from psycopg import sql

from ingestion.settings import Settings
from orchestration.dbt import Mart
from orchestration.publish import is_appended
from orchestration.seal import Ask, asking

log = logging.getLogger(__name__)

Group = tuple[str | None, date | None, str | None]

# Which other sources move entries of a source: their first load is not held (SPEC L19).
RESTS_ON = {
    "billing_db": ("seeds",),
    "boberdoo": ("seeds", "invoca", "dispositions"),
    "invoca": ("seeds", "boberdoo", "dispositions"),
    "dispositions": ("seeds", "boberdoo", "invoca"),
    "codex": ("seeds", "freshservice", "datto"),
}
NEVER = datetime(1, 1, 1)

FIRST_LOADED = """
select source from landing.load_runs where status in ('completed', 'partial') and created > 0
group by source having min(loaded_at) > %s
"""
# What is appended is all that a key moves by; the groups' totals stand in the books.
APPENDED = """
with

keys as (
    select
        entry_key, deal_type, currency, max(source) as source,
        max(business_unit) as business_unit,
        cast(date_trunc('month', occurred_at) as date) as occurred_month,
        cast(0 as numeric(18, 2)) as published_amount,
        sum(amount) as built_amount
    from {built}
    where recorded_at > {since}
    group by 1, 2, 3, 6
),
"""
WHOLE = """
with

sides as (
    select entry_key, deal_type, currency, source, business_unit, occurred_at,
        cast(0 as numeric(18, 2)) as published_amount, amount as built_amount
    from {built}
    union all
    select entry_key, deal_type, currency, source, business_unit, occurred_at,
        amount as published_amount, cast(0 as numeric(18, 2)) as built_amount
    from {published}
),

keys as (
    select
        entry_key, deal_type, currency, max(source) as source,
        max(business_unit) as business_unit,
        cast(date_trunc('month', occurred_at) as date) as occurred_month,
        sum(published_amount) as published_amount,
        sum(built_amount) as built_amount
    from sides
    group by 1, 2, 3, 6
),
"""
MOVEMENTS = """
known as (
    select distinct entry_key from {published}
    where entry_key in (select entry_key from keys where built_amount <> published_amount)
),

-- Months before the first that was ever closed are closed with that one (SPEC L20).
closed as (
    select business_unit, period_month,
        min(period_month) over (partition by business_unit) as first_month
    from landing.period_closes
    where schema_name = {schema}
        and close_id not in (select close_id from landing.period_reopens)
),

-- What an approved restatement moves is never held.
restated as (
    select distinct entry_key from {built}
    where reason = 'rule_changed' and recorded_at > {published_through}
),

judged as (
    select
        keys.deal_type, keys.occurred_month, keys.currency,
        keys.published_amount, keys.built_amount,
        keys.built_amount - keys.published_amount as change,
        case
            when keys.built_amount = keys.published_amount then 'same'
            when restated.entry_key is not null then 'restated'
            when known.entry_key is null and closed.period_month is null then 'new'
            when keys.source in ({first_loaded}) then 'first load'
            else 'moved'
        end as kind
    from keys
    left join known on keys.entry_key = known.entry_key
    left join restated on keys.entry_key = restated.entry_key
    left join closed
        on keys.business_unit = closed.business_unit
        and greatest(keys.occurred_month, closed.first_month) = closed.period_month
)

select
    deal_type, occurred_month, currency,
    sum(published_amount) as published_amount,
    sum(built_amount) as built_amount,
    sum(case when kind = 'moved' then 1 else 0 end) as moved_keys,
    sum(case when kind = 'moved' then abs(change) else 0 end) as moved_amount,
    sum(case when kind = 'new' then 1 else 0 end) as new_keys,
    sum(case when kind = 'new' then change else 0 end) as new_amount
from judged
group by 1, 2, 3
order by 1, 3, 2
"""
# The newest total of each group since the last publication that compared all of them.
TOTALS = """
with

published as (
    select movements.*,
        row_number() over (
            partition by movements.deal_type, movements.occurred_month, movements.currency
            order by movements.attempt_id desc
        ) as recency
    from landing.publication_movements as movements
    where movements.attempt_id in (
        select attempt_id from landing.publications
        where schema_name = %(schema)s and attempt_id >= (
            select max(attempts.attempt_id) from landing.publication_attempts as attempts
            inner join landing.publications as publications
                on attempts.attempt_id = publications.attempt_id
            where attempts.is_whole and attempts.schema_name = %(schema)s
        )
    )
)

select deal_type, occurred_month, currency, built_amount from published where recency = 1
"""


@dataclass(frozen=True)
class Movement:
    """What a publication moves of one deal type, month of occurrence and currency.

    `moved_amount` is the sum of |built - published| over keys already published, or of a month that
    is closed; `new_amount` is the money of other keys, published for the first time.
    """

    deal_type: str | None
    occurred_month: date | None
    currency: str | None
    published_amount: Decimal
    built_amount: Decimal
    moved_keys: int
    moved_amount: Decimal
    new_keys: int
    new_amount: Decimal

    @property
    def group(self) -> Group:
        """Return what it is of."""
        return (self.deal_type, self.occurred_month, self.currency)

    @property
    def says_nothing(self) -> bool:
        """Tell whether nothing of it changes."""
        return not (self.moved_keys or self.new_keys or self.built_amount != self.published_amount)


@dataclass(frozen=True)
class Reading:
    """What is built beside what is published.

    `published` holds every group's amount; `last_load_id` and `builds_before` tell whether anything
    was landed or built since.
    """

    known_from: datetime | None
    known_through: datetime
    open_month: date
    is_whole: bool
    last_load_id: int
    builds_before: int
    movements: Sequence[Movement]
    published: dict[Group, Decimal]


def read(
    connection: psycopg.Connection, settings: Settings, marts: Sequence[Mart], ask: Ask | None
) -> Reading:
    """Compare what is built with what is published; `ask` queries a target of its own."""
    is_elsewhere = ask is not None
    ask = ask or asking(connection)
    ledger = next(mart for mart in marts if mart.appended_by)
    known_from, known_through, builds_before = _windows(ask, settings, ledger)
    since = None
    if known_from and not is_elsewhere:
        since = _appended_since(connection, settings, ledger)
    first_loaded = _first_loaded(connection, known_from or NEVER)
    movements = _compare(ask, settings, ledger, known_from, since, first_loaded)
    if since:
        published = _published_totals(connection, settings)
        movements = [_added_to(published, movement) for movement in movements]
    else:
        published = {movement.group: movement.published_amount for movement in movements}
    last_load = connection.execute(
        "select coalesce(max(load_id), 0) from landing.load_runs"
    ).fetchone()
    return Reading(
        known_from,
        known_through,
        settings.clock().date().replace(day=1),
        since is None,
        last_load[0] if last_load else 0,
        builds_before,
        movements,
        published,
    )


def _windows(ask: Ask, settings: Settings, ledger: Mart) -> tuple[datetime | None, datetime, int]:
    """Return the known time that is published (None: nothing is), and built, and the builds."""
    names = {
        "schema": sql.Literal(settings.published_schema),
        "built_schema": sql.Literal(ledger.schema),
        "ledger": sql.Literal(ledger.name),
    }
    published = ask(
        sql.SQL(
            "select known_through from landing.publications where schema_name = {schema}"
            " order by publication_id desc limit 1"
        ).format(**names)
    )
    there = ask(
        sql.SQL(
            "select 1 from information_schema.tables"
            " where table_schema = {schema} and table_name = {ledger}"
        ).format(**names)
    )
    if published and not there:
        log.warning("%s.%s is gone: nothing to compare", settings.published_schema, ledger.name)
    built, builds = ask(
        sql.SQL(
            "select max(case when model_name = {ledger} and schema_name = {built_schema}"
            " then known_through end), count(*) from landing.build_watermarks"
        ).format(**names)
    )[0]
    return (published[0][0] if published and there else None), built or NEVER, builds


def _appended_since(
    connection: psycopg.Connection, settings: Settings, ledger: Mart
) -> datetime | None:
    """Return the newest published entry's known time if only later ones would be added, else None.

    None, too, where the totals of what is published are not in the books.
    """
    schema = settings.published_schema
    last = connection.execute(
        "select attempt_id from landing.publications where schema_name = %s"
        " order by publication_id desc limit 1",
        (schema,),
    ).fetchone()
    if not last or last[0] is None or not is_appended(connection, schema, ledger):
        return None
    newest = connection.execute(
        sql.SQL("select max({}) from {}").format(
            sql.Identifier(ledger.appended_by or ""), sql.Identifier(schema, ledger.name)
        )
    ).fetchone()
    return (newest and newest[0]) or NEVER


def _first_loaded(connection: psycopg.Connection, known_from: datetime) -> list[str]:
    """Return the sources of entries that a source first loaded since then may move."""
    new = {source for (source,) in connection.execute(FIRST_LOADED, (known_from,))}
    return [source for source, others in RESTS_ON.items() if new & {source, *others}]


def _compare(
    ask: Ask,
    settings: Settings,
    ledger: Mart,
    known_from: datetime | None,
    since: datetime | None,
    first_loaded: Sequence[str],
) -> list[Movement]:
    built = sql.Identifier(ledger.schema, ledger.name)
    published: sql.Composable = sql.Identifier(settings.published_schema, ledger.name)
    if known_from is None:
        published = sql.SQL("(select * from {} where 1 = 0) as published").format(built)
    query = sql.SQL((APPENDED if since else WHOLE) + MOVEMENTS).format(
        built=built,
        published=published,
        since=sql.Literal(since),
        schema=sql.Literal(settings.published_schema),
        published_through=sql.Literal(known_from or datetime.max.replace(microsecond=0)),
        first_loaded=sql.SQL(", ").join(map(sql.Literal, first_loaded or [""])),
    )
    return [Movement(*row) for row in ask(query)]


def _published_totals(connection: psycopg.Connection, settings: Settings) -> dict[Group, Decimal]:
    rows = connection.execute(TOTALS, {"schema": settings.published_schema})
    return {(deal_type, month, currency): amount for deal_type, month, currency, amount in rows}


def _added_to(published: dict[Group, Decimal], movement: Movement) -> Movement:
    """Return the movement of what is appended, on top of what is published of its group."""
    before = published.get(movement.group, Decimal(0))
    values = {item.name: getattr(movement, item.name) for item in fields(movement)}
    values |= {"published_amount": before, "built_amount": before + movement.built_amount}
    return Movement(**values)
