"""What billing_db may hold in a price or a plan, and what it means (SPEC L12-L14)."""

from datetime import datetime
from decimal import Decimal

import psycopg

from ingestion.settings import Settings
from tests.python import golden

NIGHTS = datetime(2026, 8, 1, 0, 5), datetime(2026, 8, 2, 0, 5)
ENTRIES = (
    "select entry_key, list_amount, discount_amount, amount from marts.fct_ledger_entries"
    " where recorded_at = %s"
)
EXCEPTIONS = "select entry_key, reason from marts.ledger_exceptions"
EVERYTHING = "select * from marts.fct_ledger_entries"
TABLES = {
    "land": "land_lead_filter_to_land_lead",
    "professional": "mortgage_broker_filter_to_mortgage_lead",
    "construction": "construction_loan_lead_filter_to_construction_loan_lead",
    "hard_money": "hard_money_lead_filter_to_hard_money_lead",
}
PRICES = [
    ("land", "80", "-infinity"),
    ("land", "81", "0044-03-15 BC"),
    ("land", "10.00499999", "2026-02-01"),
    ("land", "-0.0000001", "2026-02-02"),
    ("land", "-1e-700", "2026-02-03"),
    ("land", "NaN", "2026-02-04"),
    ("land", "Infinity", "2026-02-05"),
    ("land", "1e400", "2026-02-06"),
    ("land", "10.005", "2026-02-07"),
    ("land", "0.00499999999999999999999999999999999999999999", "2026-02-08"),
    ("land", "99", "infinity"),
    ("hard_money", "50", "-infinity"),
    ("construction", "33.33", "0001-01-01"),
    ("construction", "44", "294276-12-31"),
    ("professional", "100", "2025-01-01"),
]
# Of land: day of delivery -> list price, or why there is none. Broker 0 has no plan.
LAND = {
    "2026-01-31 23:59:59": "81.00",
    "2026-02-01": "10.00",
    "2026-02-02": "bad_price",
    "2026-02-03": "bad_price",
    "2026-02-04": "bad_price",
    "2026-02-05": "bad_price",
    "2026-02-06": "bad_price",
    "2026-02-07": "10.01",
    "2026-02-08": "0.00",
}
# type, value, started, ended -> discount of 100.00, or why there is none; a broker each.
PLANS = [
    (("percent", "6e11", "-infinity", None), "100.00"),
    (("percent", "-6e11", "2025-01-01", None), "0.00"),
    (("percent", "10", "2025-01-01", "-infinity"), "0.00"),
    (("percent", "10", "-infinity", "0044-03-15 BC"), "0.00"),
    (("percent", "10", "0044-03-15 BC", "infinity"), "10.00"),
    (("percent", "10", "2025-01-01", "294276-12-31"), "10.00"),
    (("percent", "10", "infinity", None), "0.00"),
    (("percent", "0.0049999999", "2025-01-01", None), "0.00"),
    (("amount", "5.00499999", "2025-01-01", None), "5.00"),
    (("amount", "999999999999.995", "2025-01-01", None), "100.00"),
    (("percent ", "10", "2025-01-01", None), "bad_terms"),
    (("Percent", "10", "2025-01-01", None), "bad_terms"),
    (("", "10", "2025-01-01", None), "bad_terms"),
    (("percent", "NaN", "2025-01-01", None), "bad_terms"),
    (("percent", "1e400", "2025-01-01", None), "bad_terms"),
    (("amount", "-Infinity", "2025-01-01", None), "bad_terms"),
]
# Of hard money: no moment of the books, or none that they reach back to.
MOMENTS = {
    "infinity": "no_delivered_at",
    "294276-12-31": "no_delivered_at",
    "-infinity": None,
    "0044-03-15 BC": None,
    "2026-01-15": "50.00",
}


def entry(key: str, list_amount: str, discount: str) -> tuple[str, ...]:
    return key, list_amount, discount, str(Decimal(list_amount) - Decimal(discount))


def fill(source: psycopg.Connection) -> None:
    """Put prices, plans and deliveries into billing_db, each table numbered from 1."""
    for number, price in enumerate(PRICES, start=1):
        source.execute("insert into product_price values (%s, %s, %s, %s)", (number, *price))
    for number, (plan, _) in enumerate(PLANS, start=1):
        source.execute(
            "insert into mortgage_broker_subscription_plan values (%s, %s, 'plan', %s, %s, %s, %s)",
            (number, number, *plan),
        )
        deliver(source, "professional", number, "2026-01-15", broker=number)
    for lead_type, moments in (("land", LAND), ("hard_money", MOMENTS)):
        for number, moment in enumerate(moments, start=1):
            deliver(source, lead_type, number, moment)
    deliver(source, "construction", 1, "2026-01-15")


def deliver(
    source: psycopg.Connection, lead_type: str, number: int, moment: str, broker: int = 0
) -> None:
    source.execute(
        f"insert into {TABLES[lead_type]} values (%s, 10, %s, %s, %s)",
        (number, number, broker, moment),
    )


def test_no_value_stops_the_night_and_each_is_judged_as_it_stands(settings: Settings) -> None:
    """L12-L14: before the calendar is since ever, after it is never; money is rounded once."""
    with psycopg.connect(**settings.billing_db.parameters(), autocommit=True) as source:
        fill(source)
        golden.night(settings, NIGHTS[0])
        judged = {
            **{f"mortgage:land:{n}": found for n, found in enumerate(LAND.values(), start=1)},
            **{
                f"mortgage:hard_money:{n}": found
                for n, found in enumerate(MOMENTS.values(), start=1)
            },
            "mortgage:construction:1": "33.33",
        }
        of_plans = {f"mortgage:professional:{n}": found for n, (_, found) in enumerate(PLANS, 1)}
        assert rows(settings, EXCEPTIONS) == {
            (key, reason) for key, reason in {**judged, **of_plans}.items() if "_" in (reason or "")
        }
        assert rows(settings, ENTRIES, NIGHTS[0]) == {
            *(entry(key, price, "0.00") for key, price in judged.items() if "." in (price or "")),
            *(entry(key, "100.00", off) for key, off in of_plans.items() if "." in off),
        }

        # The price of 44 BC goes, that of ever is corrected; a plan that had never begun is open.
        source.execute("delete from product_price where id = 2")
        source.execute("update product_price set price = 85 where id = 1")
        source.execute("update mortgage_broker_subscription_plan set ended_at = null where id = 3")
        golden.night(settings, NIGHTS[1])
    assert rows(settings, ENTRIES, NIGHTS[1]) == {
        ("mortgage:land:1", "-81.00", "0.00", "-81.00"),
        ("mortgage:land:1", "85.00", "0.00", "85.00"),
        ("mortgage:professional:3", "-100.00", "0.00", "-100.00"),
        ("mortgage:professional:3", "100.00", "10.00", "90.00"),
    }
    day_by_day = rows(settings, EVERYTHING), rows(settings, EXCEPTIONS)
    golden.build_from_empty(settings)
    assert (rows(settings, EVERYTHING), rows(settings, EXCEPTIONS)) == day_by_day


def rows(settings: Settings, statement: str, *parameters: object) -> set[tuple[str, ...]]:
    """Return the rows of a query as texts."""
    return {tuple(row.values()) for row in golden.query(settings, statement, *parameters)}
