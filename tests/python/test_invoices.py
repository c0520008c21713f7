"""Invoices in the marts: cancellations, payments, reconciliation and ageing of a simulated year."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from ingestion.books import make_books
from ingestion.run import Run
from ingestion.sandbox.billingo import Billingo, Books
from ingestion.sandbox.billingo_documents import Line, cancel, invoice
from ingestion.sandbox.billingo_story import Booking, Customer, Story, advance
from ingestion.sandbox.server import Sandbox
from ingestion.settings import PROJECT, Settings
from ingestion.sources import billingo, seeds
from ingestion.sources.billingo_account import Billingo as BillingoSettings
from ingestion.warehouse import connect
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


def test_cancellations_of_cancellations_and_second_ones_are_counted_as_they_stand(
    settings: Settings,
):
    """I3: a cancellation is the negative of what it cancels, while there is anything to cancel."""
    companies = books_of_three()
    books, lines = companies["1"], [Line("Leads", Decimal(2), Decimal(1000), "27%")]
    for number in (1, 4, 7, 20):
        day = date(2026, 5, number)
        books.keep(invoice(number, 5501001, lines, currency="EUR", invoiced_on=day), NIGHT)
    at = datetime(2026, 6, 1)
    cancel(books, 1, 2, at)  # 2 cancels 1, 3 cancels 2: 1 is owed again
    cancel(books, 2, 3, at + timedelta(days=1))
    cancel(books, 4, 5, at)  # 4 is cancelled twice
    cancel(books, 4, 6, at + timedelta(days=1))
    cancel(books, 7, 8, at)  # cancelled, restored, cancelled again, and once too often
    cancel(books, 8, 9, at)
    cancel(books, 7, 10, at)
    cancel(books, 7, 11, at)
    land_and_build(settings, companies)

    facts = (
        "select cast(document_id as integer), gross_amount, open_amount,"
        " is_cancelled and not is_cancellation, cast(cancels_invoice_id as varchar)"
        " from marts.fct_invoices where document_id = any(%s)"
        " order by 1"
    )
    kept = Decimal(2540) / 2
    with connect(settings) as connection:
        assert connection.execute(facts, [["1", "2", "3"]]).fetchall() == [
            (1, kept, kept, False, None),
            (2, -kept, 0, False, "1:1"),
            (3, kept, 0, False, "1:2"),
        ]
        assert connection.execute(facts, [["4", "5", "6"]]).fetchall() == [
            (4, kept, 0, True, None),
            (5, -kept, 0, False, "1:4"),
            (6, 0, 0, False, "1:4"),
        ]
        assert [
            (number, gross)
            for number, gross, *_ in connection.execute(facts, [["7", "8", "9", "10", "11"]])
        ] == [(7, kept), (8, -kept), (9, kept), (10, -kept), (11, 0)]
    assert rows(
        settings,
        "select sum(gross_amount), sum(gross_amount_huf), sum(open_amount) from marts.fct_invoices",
    ) == [(2 * kept, 2 * kept * Decimal("398.75"), 2 * kept)]
    assert rows(settings, "select sum(gross_amount) from marts.fct_invoice_lines") == [(2 * kept,)]
    assert rows(
        settings,
        "select open_amount, open_invoices from marts.rpt_invoice_aging"
        " order by as_of_date desc limit 1",
    ) == [(2 * kept, 2)]
    assert rows(settings, "select exception_id from marts.rpt_invoice_exceptions order by 1") == [
        ("1:11:nothing_to_cancel",),
        ("1:6:nothing_to_cancel",),
    ]


def test_what_has_no_rate_is_unknown_in_huf_and_what_is_in_huf_needs_none(settings: Settings):
    """Lines, payments and ageing say what the header says; null is listed, 0 is never said."""
    companies = books_of_three()
    books, lines = companies["1"], [Line("Leads", Decimal(1), Decimal(1000), "AAM")]

    def issue(number: int, currency: str, **fields: object) -> None:
        day = date(2026, 7, 1)
        document = invoice(number, number, lines, currency=currency, invoiced_on=day, **fields)
        if "conversion_rate" in fields:
            for name in ("net_amount_local", "gross_amount_local", "vat_amount_local"):
                document["summary"][name] = fields["conversion_rate"]
        books.keep(document, NIGHT)
        books.pay(number, Decimal(400), date(2026, 7, 10), NIGHT)

    issue(1, "HUF", conversion_rate=None)
    issue(2, "EUR", conversion_rate=0)
    issue(3, "EUR", conversion_rate=None)
    issue(4, "EUR")
    issue(5, "HUF", document_partner=None, partner=None)
    issue(6, "HUF", summary={})
    land_and_build(settings, companies)

    rate = Decimal("398.75")
    assert rows(
        settings,
        "select document_id, gross_amount_huf, paid_amount_huf from marts.fct_invoices order by 1",
    ) == [
        ("1", 1000, 400),
        ("2", None, None),
        ("3", None, None),
        ("4", 1000 * rate, 400 * rate),
        ("5", 1000, 400),
        ("6", 1000, 400),
    ]
    assert rows(
        settings, "select invoice_id, net_amount_huf from marts.fct_invoice_lines order by 1"
    ) == [
        ("1:1", 1000),
        ("1:2", None),
        ("1:3", None),
        ("1:4", 1000 * rate),
        ("1:5", 1000),
        ("1:6", 1000),
    ]
    assert rows(
        settings,
        "select account_id, open_amount, open_amount_huf from marts.rpt_invoice_aging order by 1",
    ) == [
        ("invoice_partner:1:1", 600, 600),
        ("invoice_partner:1:2", 600, None),
        ("invoice_partner:1:3", 600, None),
        ("invoice_partner:1:4", 600, 600 * rate),
        ("invoice_partner:1:6", 600, 600),
        ("invoice_partner:1:none", 600, 600),
    ]
    assert rows(
        settings, "select invoice_id, reason from marts.rpt_invoice_exceptions order by 1, 2"
    ) == [
        ("1:2", "no_rate"),
        ("1:3", "no_rate"),
        ("1:5", "no_partner"),
        ("1:6", "no_amount"),
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
