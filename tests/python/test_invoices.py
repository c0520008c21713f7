"""Invoices in the marts: cancellations, payments, reconciliation and ageing of a simulated year."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from ingestion.run import Run
from ingestion.sandbox.billingo import Billingo, Books
from ingestion.sandbox.billingo_documents import Line, cancel, invoice
from ingestion.sandbox.billingo_story import Booking, Customer, Story, advance
from ingestion.sandbox.server import Sandbox
from ingestion.settings import PROJECT, Settings
from ingestion.settings import Billingo as BillingoSettings
from ingestion.sources import billingo, seeds
from ingestion.warehouse import connect, make_books
from orchestration.dbt import run_dbt

NIGHT = datetime(2026, 7, 17, 2)
KEYS = {"BILLINGO_KEY_KEKFENY": "1", "BILLINGO_KEY_LENDING": "2", "BILLINGO_KEY_IT": "3"}
CLASSES = {"matched", "currency", "timing", "not_invoiced", "over_invoiced"}


def land_and_build(settings: Settings, companies: dict[str, Books], now: datetime = NIGHT) -> None:
    """Land what the companies' books hold, then build and test all that is made of it."""
    with Sandbox({"billingo": Billingo(companies, now.date())}) as sandbox:
        settings = replace(
            settings,
            billingo=BillingoSettings(sandbox.url("billingo"), KEYS),
            requests_per_minute=600_000,
        )
        with connect(settings) as connection:
            make_books(connection)
        run = Run(settings, now)
        loads = [*seeds.sync(run), *billingo.sync(run)]
        assert {load.status for load in loads} == {"completed"}
    run_dbt(
        settings,
        *("build", "--exclude-resource-type", "unit_test"),
        *("--select", "int_invoices+", "int_ledger_months", "rpt_sync_log"),
    )


def books_of_three() -> dict[str, Books]:
    return {key: Books(f"Company {key}", "11223344") for key in KEYS.values()}


def rows(settings: Settings, query: str) -> list[tuple]:
    with connect(settings) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("currency", ["HUF", "EUR"])
def test_a_cancellation_nets_to_zero_in_its_currency_and_in_huf(settings: Settings, currency: str):
    companies = books_of_three()
    lines = [
        Line("Leads", Decimal(118), Decimal("112100.37"), "27%"),
        Line("Discount", Decimal(1), Decimal("-100.11"), "27%"),
        Line("Checks", Decimal(7), Decimal("9823.33"), "5,5%"),
    ]
    document = invoice(1, 5501001, lines, currency=currency, invoiced_on=date(2026, 7, 1))
    companies["1"].keep(document, NIGHT)
    land_and_build(settings, companies)
    sums = (
        "select sum(gross_amount), sum(gross_amount_huf), sum(net_amount), sum(open_amount)"
        " from marts.fct_invoices"
    )
    assert all(rows(settings, sums)[0])

    cancel(companies["1"], 1, 2, NIGHT + timedelta(hours=1))
    # Not even a sign and a rate of its own make a difference.
    odd = companies["1"].documents[2]
    odd |= {"gross_total": -odd["gross_total"], "conversion_rate": odd["conversion_rate"] * 2}
    land_and_build(settings, companies, NIGHT + timedelta(days=1))

    assert rows(settings, sums) == [(0, 0, 0, 0)]
    assert rows(
        settings,
        "select count(*), sum(gross_amount), sum(gross_amount_huf), sum(quantity)"
        " from marts.fct_invoice_lines",
    ) == [(6, 0, 0, 0)]
    assert rows(settings, "select document_type, cancels_invoice_id from marts.fct_invoices") == [
        ("invoice", None),
        ("cancellation", "1:1"),
    ]


def test_ledger_invoiced_and_paid_are_reconciled_over_a_year(settings: Settings):
    dice = Random(3)
    accounts = [f"broker:{number}" for number in range(1001, 1013)]
    accounts += [f"partner:{number}" for number in range(201, 209)]
    bookings = [
        Booking(account, month, Decimal(dice.randint(100_00, 9_000_00)) / 100, "USD")
        for account in accounts
        for month in (
            date(2025 + (5 + number) // 12, (5 + number) % 12 + 1, 1) for number in range(14)
        )
    ]
    companies = books_of_three()
    advance(Story(companies, customers(settings)), bookings, until=NIGHT)
    book(settings, bookings)
    land_and_build(settings, companies)

    found = dict(
        rows(
            settings,
            "select reconciliation_class, count(*) from marts.rpt_reconciliation group by 1",
        )
    )
    assert found.keys() == CLASSES
    assert found["matched"] > 200
    assert rows(
        settings,
        "select sum(ledger_amount), sum(invoiced_amount), sum(paid_amount)"
        " from marts.rpt_reconciliation",
    ) == [
        (
            sum(booking.amount for booking in bookings),
            *rows(settings, "select sum(net_amount), sum(paid_amount) from marts.fct_invoices")[0],
        )
    ]
    assert rows(settings, "select count(*) from marts.fct_invoices where not has_account") == [(0,)]
    assert rows(
        settings,
        "select count(distinct as_of_date), sum(past_due_over_90_amount) > 0"
        " from marts.rpt_invoice_aging",
    ) == [(13, True)]
    assert rows(
        settings,
        "select company_id, status, created = processed, items = 2 * processed"
        " from marts.rpt_sync_log where processed > 0 order by company_id",
    ) == [("1", "completed", True, True), ("2", "completed", True, True)]


def test_the_ready_queries_of_the_guide_run(settings: Settings):
    companies = books_of_three()
    document = invoice(
        1, 42, [Line("Leads", Decimal(1), Decimal(9), "AAM")], invoiced_on=NIGHT.date()
    )
    companies["1"].keep(document, NIGHT)
    land_and_build(settings, companies)
    queries = re.findall(r"```sql\n(.*?)```", (PROJECT / "docs/invoices.md").read_text(), re.DOTALL)
    assert [len(rows(settings, query)) for query in queries] == [3, 0, 0, 1, 0, 1]


def customers(settings: Settings) -> dict[str, Customer]:
    """The project's own seed: who each account is at Billingo."""
    return {
        row["account_id"]: Customer(row["company_id"], int(row["partner_id"]))
        for row in seeds.read_seed(Run(settings, NIGHT), "invoice_accounts")
    }


def book(settings: Settings, bookings: Sequence[Booking]) -> None:
    """Put the bookings into the ledger, as if deals had been made."""
    with connect(settings) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "insert into marts.fct_ledger_entries"
            " (entry_id, entry_key, entry_kind, account_id, occurred_at, recorded_at, amount,"
            "  currency)"
            " values (%(key)s, %(key)s, 'booking', %(account)s, %(month)s, %(month)s, %(amount)s,"
            "  %(currency)s)",
            [
                {
                    "key": f"sale:{number}",
                    "account": booking.account_id,
                    "month": booking.month,
                    "amount": booking.amount,
                    "currency": booking.currency,
                }
                for number, booking in enumerate(bookings)
            ],
        )
