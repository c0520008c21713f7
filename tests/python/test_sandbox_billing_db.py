"""The simulated billing_db: the same market gives the same rows; a night changes what it says."""

from datetime import date, timedelta

import psycopg
import pytest

from ingestion.sandbox.billing_db import (
    DELIVERY_CORRECTIONS,
    TERMS_CORRECTIONS,
    advance,
    create,
    generate,
)
from ingestion.sandbox.mortgage_market import LEAD_TYPES, Market
from ingestion.sources.billing_db import TABLES
from ingestion.warehouse import connect
from tests import databases

COLUMNS = {table.name: table.columns for table in TABLES}
FIRST_DAY = date(2025, 3, 3)
SIZES = pytest.mark.parametrize("leads_per_day", [10, 300])
Row = tuple
Tables = dict[str, dict[int, Row]]


@pytest.fixture
def source(server):
    """A connection to a new database with the six empty tables."""
    databases.make(server, "simulated")
    with connect(server, database="simulated") as connection:
        create(connection)
        yield connection


def read(source: psycopg.Connection) -> Tables:
    return {
        table: {row[0]: row for row in source.execute(f"select {', '.join(columns)} from {table}")}
        for table, columns in COLUMNS.items()
    }


def empty(source: psycopg.Connection) -> None:
    source.execute(f"truncate {', '.join(COLUMNS)}")


def changed(before: Tables, after: Tables) -> list[tuple[str, Row | None, Row | None]]:
    """Return (table, row before, row after) of every row that differs."""
    return [
        (table, before[table].get(key), after[table].get(key))
        for table in COLUMNS
        for key in before[table].keys() | after[table].keys()
        if before[table].get(key) != after[table].get(key)
    ]


@SIZES
def test_the_same_seed_gives_the_same_rows_and_another_seed_others(source, leads_per_day):
    first, twin, other = ({}, {}, {})
    for tables, seed in ((first, 7), (twin, 7), (other, 8)):
        market = Market(FIRST_DAY, leads_per_day, seed)
        generate(source, market, days=40)
        advance(source, market, FIRST_DAY + timedelta(days=40))
        tables.update(read(source))
        empty(source)
    assert first == twin
    assert all(first[table] != other[table] for table in COLUMNS)


@SIZES
def test_days_played_one_by_one_are_the_days_generated_at_once(source, leads_per_day):
    market = Market(FIRST_DAY, leads_per_day)
    generate(source, market, days=140)
    at_once = read(source)
    empty(source)
    generate(source, market, days=90)
    for number in range(90, 140):
        advance(source, market, FIRST_DAY + timedelta(days=number), corrections=())
    assert read(source) == at_once


@SIZES
def test_every_table_has_rows_and_ids_rise_with_time(source, leads_per_day):
    market = Market(FIRST_DAY, leads_per_day)
    counts = generate(source, market, days=60)
    tables = read(source)
    assert all(tables.values())
    assert counts == {
        "deliveries": sum(len(tables[lead_type.table]) for lead_type in LEAD_TYPES),
        "prices": len(tables["product_price"]),
        "plans": len(tables["mortgage_broker_subscription_plan"]),
    }
    assert counts["deliveries"] == pytest.approx(60 * leads_per_day, rel=0.15)
    for lead_type in LEAD_TYPES:
        rows = [row for _, row in sorted(tables[lead_type.table].items())]
        moments = [row[4] for row in rows]
        assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
        assert moments == sorted(moments)
        assert moments[0].date() >= FIRST_DAY
        assert moments[-1].date() < FIRST_DAY + timedelta(days=60)
        assert all(moment.microsecond == 0 for moment in moments)


def test_a_market_has_what_makes_exceptions_and_corrections(source):
    generate(source, Market(FIRST_DAY, leads_per_day=300), days=365)

    def count(query: str) -> int:
        return source.execute(f"select count(*) from ({query}) as found").fetchone()[0]

    deliveries = " union all ".join(
        f"select '{lead_type.name}' as product, * from {lead_type.table}"
        for lead_type in LEAD_TYPES
    )
    unpriced = (
        f"select from ({deliveries}) as delivery where not exists (select from product_price"
        " where product_price.product = delivery.product and effective_at <= delivered_at)"
    )
    plan = "mortgage_broker_subscription_plan"
    orphans = f"select from ({deliveries}) as delivery where mortgage_broker_id is null"
    assert 0 < count(orphans) < 1000
    assert 0 < count(unpriced) < 1000
    assert count("select product from product_price group by 1 having count(*) >= 4") == 4
    assert count("select from product_price group by product, effective_at having count(*) > 1")
    assert count(f"select from {plan} where ended_at is not null")
    assert count(f"select from {plan} where discount_type = 'amount'")
    assert count(f"select from {plan} where discount_type = 'percent'")
    assert count(
        f"select from {plan} as early inner join {plan} as late"
        " on early.mortgage_broker_id = late.mortgage_broker_id"
        " and early.started_at < late.started_at and early.ended_at > late.started_at"
    )


@SIZES
@pytest.mark.parametrize("name", [*DELIVERY_CORRECTIONS, *TERMS_CORRECTIONS])
def test_a_correction_changes_what_it_says_and_nothing_else(source, leads_per_day, name):
    market = Market(FIRST_DAY, leads_per_day)
    generate(source, market, days=100)
    before, day = read(source), FIRST_DAY + timedelta(days=100)
    played = advance(source, market, day, corrections=(name,))
    differing = changed(before, read(source))
    new = [row for table, old, row in differing if old is None]
    assert len(new) == played["deliveries"] + played["prices"] + played["plans"]
    assert played["deliveries"] > 0

    corrected = [(table, old, row) for table, old, row in differing if old]
    assert len(corrected) == played[name] > 0
    table, column = {
        "deliveries deleted": ("_lead", None),
        "deliveries given to another broker": ("_lead", "mortgage_broker_id"),
        "deliveries moved in time": ("_lead", "delivered_at"),
        "prices edited": ("product_price", "price"),
        "prices back-dated": ("product_price", "effective_at"),
        "plans back-dated": ("mortgage_broker_subscription_plan", "started_at"),
        "missing prices repaired": ("product_price", "effective_at"),
    }[name]
    for where, old, row in corrected:
        assert where.endswith(table)
        if column is None:
            assert row is None
        else:
            names = COLUMNS[where]
            assert [
                field for field, was, now in zip(names, old, row, strict=True) if was != now
            ] == [column]
            if column.endswith("_at"):
                assert row[names.index(column)] < old[names.index(column)]


def test_four_nights_in_a_row_show_every_correction(source):
    market = Market(FIRST_DAY, leads_per_day=10)
    generate(source, market, days=365)
    nights = [advance(source, market, FIRST_DAY + timedelta(days=365 + n)) for n in range(4)]
    seen = {name for night in nights for name, rows in night.items() if rows}
    assert seen >= {*DELIVERY_CORRECTIONS, *TERMS_CORRECTIONS}


def test_a_second_create_leaves_the_rows(source):
    generate(source, Market(FIRST_DAY, leads_per_day=10), days=10)
    before = read(source)
    create(source)
    assert read(source) == before
