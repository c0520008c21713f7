"""The source database of the mortgage ledger, simulated: a believable year at any size, seeded.

The same `Market` gives the same rows, whether its days are generated at once or played one by
one. Deliveries are made inside Postgres from hashes of their ids, so that millions take seconds.
"""

from collections.abc import Sequence
from datetime import date

import psycopg
from psycopg import sql

from ingestion.sandbox.mortgage_market import (
    FIRST_BROKER,
    LEAD_TYPES,
    Market,
    delivery_hours,
    plans_entered,
    prices_entered,
)

CORRECTED_WITHIN_DAYS = 20

SCHEMA = """
create table if not exists product_price (
    id bigint primary key, product text, price numeric, effective_at timestamp);
create table if not exists mortgage_broker_subscription_plan (
    id bigint primary key, mortgage_broker_id bigint, plan_name text, discount_type text,
    discount_value numeric, started_at timestamp, ended_at timestamp);
""" + "".join(
    f"create table if not exists {lead_type.table} (id bigint primary key, filter_id bigint,"
    " lead_id bigint, mortgage_broker_id bigint, delivered_at timestamp);\n"
    for lead_type in LEAD_TYPES
)

# A lead goes to one or two brokers; few brokers buy most leads; about one delivery a day, at
# small sizes one in 250, has no broker. Ids rise with `delivered_at`.
DELIVERIES = """
insert into {table} (id, filter_id, lead_id, mortgage_broker_id, delivered_at)
select
    id,
    (%(first_broker)s + broker) * 10 + (hash >> 40 & 3),
    id * 5 / 8 + 1,
    case when id %% greatest(250, %(leads_per_day)s) <> 97 then %(first_broker)s + broker end,
    starts_at + ((id - first_id) * 3600 + (hash >> 20 & 4095) * 3600 / 4096) / deliveries
        * interval '1 second'
from (
    select
        *,
        -- the square of a number in [0, 1), in whole numbers
        ((dice * dice * %(brokers)s >> 32) + %(shift)s) %% %(brokers)s as broker
    from
        unnest(%(starts)s::timestamp[], %(firsts)s::bigint[], %(counts)s::bigint[])
            as hours (starts_at, first_id, deliveries),
        generate_series(first_id, first_id + deliveries - 1) as id,
        hashint8extended(id, %(salt)s) as hash,
        cast(hash & 65535 as bigint) as dice
) as drawn
"""

CHOSEN_DELIVERIES = """
where id in (
    select id from {table} where id >= %(low)s and id < %(high)s
    order by hashint8extended(id, %(salt)s) limit %(count)s)
"""
CURRENT_PRICE = """
where id = (
    select id from product_price where product = %(product)s and effective_at <= %(day)s
    order by effective_at desc, id desc limit 1)
"""

# What a night may correct: the statement's place in the rotation of lead types, and itself.
DELIVERY_CORRECTIONS = {
    "deliveries deleted": (0, "delete from {table}" + CHOSEN_DELIVERIES),
    "deliveries given to another broker": (
        1,
        "update {table} set mortgage_broker_id = %(first_broker)s +"
        " (coalesce(mortgage_broker_id, %(first_broker)s) + 1 - %(first_broker)s) %% %(brokers)s"
        + CHOSEN_DELIVERIES,
    ),
    "deliveries moved in time": (
        2,
        "update {table} set delivered_at = delivered_at - interval '50 hours'" + CHOSEN_DELIVERIES,
    ),
}
TERMS_CORRECTIONS = {
    "prices edited": "update product_price set price = round(price * 1.04, 2)" + CURRENT_PRICE,
    "prices back-dated": (
        "update product_price set effective_at = effective_at - interval '9 days'" + CURRENT_PRICE
    ),
    "plans back-dated": """
        update mortgage_broker_subscription_plan set started_at = started_at - interval '12 days'
        where id = (
            select id from mortgage_broker_subscription_plan
            where started_at <= %(day)s and coalesce(ended_at, 'infinity') > %(day)s
            order by started_at desc, id limit 1)
        """,
    "missing prices repaired": """
        update product_price set effective_at = %(opening)s
        where id in (select min(id) from product_price group by product)
            and effective_at > %(opening)s
        """,
}


def create(connection: psycopg.Connection) -> None:
    """Make the six source tables where they are not there; commits."""
    connection.execute(SCHEMA)
    connection.commit()


def generate(connection: psycopg.Connection, market: Market, days: int) -> dict[str, int]:
    """Fill the empty tables with the market's first `days` days; commits.

    Returns how many deliveries, prices and plans there are. Days that follow are for `advance`.
    """
    played = _insert(connection, market, range(days))
    connection.commit()
    return played


def advance(
    connection: psycopg.Connection,
    market: Market,
    day: date,
    corrections: Sequence[str] | None = None,
) -> dict[str, int]:
    """Play one day after those already there: what is new, and corrections of what was; commits.

    Without `corrections` the day has all of DELIVERY_CORRECTIONS and one of TERMS_CORRECTIONS,
    so that four days in a row show every kind. Returns the rows of each kind that came or changed.
    """
    number = (day - market.first_day).days
    if corrections is None:
        terms = list(TERMS_CORRECTIONS)
        corrections = [*DELIVERY_CORRECTIONS, terms[number % len(terms)]]
    played = {name: _correct(connection, market, number, name) for name in corrections}
    played = _insert(connection, market, range(number, number + 1)) | played
    connection.commit()
    return played


def _insert(connection: psycopg.Connection, market: Market, days: range) -> dict[str, int]:
    with connection.cursor() as cursor:
        prices = prices_entered(market, days)
        cursor.executemany("insert into product_price values (%s, %s, %s, %s)", prices)
        plans = plans_entered(market, days)
        cursor.executemany(
            "insert into mortgage_broker_subscription_plan values (%s, %s, %s, %s, %s, %s, %s)",
            plans,
        )
    deliveries = sum(
        _insert_deliveries(connection, market, number, days) for number in range(len(LEAD_TYPES))
    )
    return {"deliveries": deliveries, "prices": len(prices), "plans": len(plans)}


def _insert_deliveries(
    connection: psycopg.Connection, market: Market, number: int, days: range
) -> int:
    hours = list(delivery_hours(market, LEAD_TYPES[number], days))
    statement = sql.SQL(DELIVERIES).format(table=sql.Identifier(LEAD_TYPES[number].table))
    parameters = {
        "first_broker": FIRST_BROKER,
        "brokers": market.brokers,
        "leads_per_day": market.leads_per_day,
        "shift": number * 3,
        "salt": market.salt(number),
        "starts": [start for start, _, _ in hours],
        "firsts": [first for _, first, _ in hours],
        "counts": [count for _, _, count in hours],
    }
    return connection.execute(statement, parameters).rowcount


def _correct(connection: psycopg.Connection, market: Market, number: int, name: str) -> int:
    """Correct rows that were there before day `number`; returns how many."""
    if name in TERMS_CORRECTIONS:
        parameters = {
            "product": LEAD_TYPES[number // len(TERMS_CORRECTIONS) % len(LEAD_TYPES)].name,
            "day": market.midnight(number),
            "opening": market.midnight(0),
        }
        return connection.execute(TERMS_CORRECTIONS[name], parameters).rowcount
    turn, statement = DELIVERY_CORRECTIONS[name]
    lead_type = LEAD_TYPES[(number + turn) % len(LEAD_TYPES)]
    recent = range(max(0, number - CORRECTED_WITHIN_DAYS), number)
    ids = [first for _, first, _ in delivery_hours(market, lead_type, recent)]
    parameters = {
        "low": min(ids, default=0),
        "high": max(ids, default=0),
        "salt": market.salt(number),
        "count": 1 + market.leads_per_day // 1000,
        "first_broker": FIRST_BROKER,
        "brokers": market.brokers,
    }
    table = sql.Identifier(lead_type.table)
    return connection.execute(sql.SQL(statement).format(table=table), parameters).rowcount
