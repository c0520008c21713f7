"""Billingo's loader against the simulated vendor: companies, nights, faults, repairs (I1, I2)."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.books import make_books
from ingestion.loads import Load
from ingestion.run import Run
from ingestion.sandbox.billingo import Billingo, Books, error, invalid, unauthorized
from ingestion.sandbox.billingo_documents import Line, cancel, invoice
from ingestion.sandbox.server import Answer, Sandbox
from ingestion.settings import Settings
from ingestion.sources import billingo
from ingestion.sources.billingo_account import Billingo as BillingoSettings
from ingestion.sources.billingo_companies import check
from ingestion.sources.billingo_report import report_check, report_sync
from ingestion.warehouse import connect

FIRST_NIGHT = datetime(2026, 7, 17, 2)
KEYS = {
    "BILLINGO_KEY_KEKFENY": "key-1",
    "BILLINGO_KEY_LENDING": "key-2",
    "BILLINGO_KEY_IT": "key-3",
}


@dataclass
class World:
    """The simulated vendor with three companies, and the settings to reach it."""

    settings: Settings
    sandbox: Sandbox
    vendor: Billingo
    books: dict[str, Books]

    def night(self, number: int, **arguments: object) -> list[Load]:
        now = FIRST_NIGHT + timedelta(days=number)
        self.vendor.today = now.date()
        return billingo.sync(Run(self.settings, now, **arguments))

    def rows(self, query: str, *parameters: object) -> list[tuple]:
        with connect(self.settings) as connection:
            return connection.execute(query, parameters).fetchall()

    def issue(self, company: str, number: int, on: date = date(2026, 7, 14), **fields) -> dict:
        lines = [
            Line("Leads", Decimal(118), Decimal("112100"), "27%"),
            Line("Checks", Decimal(100), Decimal("9823.33"), "5,5%"),
        ]
        document = invoice(number, 5501001, lines, invoiced_on=on, **fields)
        self.books[company].keep(document, datetime.combine(on, datetime.min.time()))
        return document


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    books = {company: Books(f"Company {company}", "11223344") for company in "123"}
    vendor = Billingo({"key-1": books["1"], "key-2": books["2"], "key-3": books["3"]})
    with Sandbox({"billingo": vendor}) as sandbox:
        settings = replace(
            settings,
            billingo=BillingoSettings(sandbox.url("billingo"), KEYS),
            requests_per_minute=100_000,
            backoff_seconds=0.001,
        )
        with connect(settings) as connection:
            make_books(connection)
        world = World(settings, sandbox, vendor, books)
        for position, company in enumerate("123"):
            for number in range(3):
                world.issue(company, 1000 * position + number + 1)
        yield world


def statuses(loads: list[Load]) -> dict[tuple[str, str], str]:
    return {(load.tenant, load.stream.name): load.status for load in loads}


def figures(load: Load) -> tuple[int, int, int, int]:
    """Processed, created, updated, unchanged."""
    counts = load.counts
    return counts.received, counts.created, counts.updated, counts.unchanged


def of(loads: list[Load], tenant: str, stream: str) -> Load:
    return next(load for load in loads if (load.tenant, load.stream.name) == (tenant, stream))


def cursor(world: World, tenant: str) -> str | None:
    rows = world.rows(
        "select cursor_after from landing.load_runs where tenant = %s and stream = 'documents'"
        " order by load_id desc limit 1",
        tenant,
    )
    return rows[0][0]


def test_a_revoked_key_and_a_poisoned_invoice_leave_the_third_company_complete(world: World):
    world.night(0)
    unmoved = cursor(world, "1")
    world.vendor.keys["key-1"] = unauthorized()
    for company, number in (("1", 9), ("2", 1009), ("3", 2009)):
        world.issue(company, number, date(2026, 7, 17))
    poisoned = world.books["2"].documents[1009]
    world.books["2"].documents[1009] = poisoned | {"items": None}

    loads = world.night(1)

    assert statuses(loads) == {
        ("1", "documents"): "failed",
        ("1", "items"): "failed",
        ("1", "payments"): "failed",
        ("2", "payments"): "completed",
        ("2", "items"): "completed",
        ("2", "documents"): "partial",
        ("3", "payments"): "completed",
        ("3", "items"): "completed",
        ("3", "documents"): "completed",
    }
    assert cursor(world, "1") == unmoved
    failure = of(loads, "1", "documents").error
    assert failure.startswith("Company 1 (Kékfény Marketing Kft.)")
    assert "answered 401" in failure
    assert "make a new one in Billingo and set BILLINGO_KEY_KEKFENY" in failure
    assert figures(of(loads, "3", "documents")) == (4, 1, 0, 3)
    assert world.rows("select tenant, reason from landing.quarantine") == [
        ("2", "invoice 1009: items is null, not a list")
    ]
    assert not world.rows("select 1 from landing.billingo__documents where source_key = '1009'")

    for number in (2, 9, 20, 39):  # however long, far past the seven days' overlap
        assert of(world.night(number), "2", "documents").status == "partial"
    world.books["2"].documents[1009] = poisoned
    repaired = world.night(40)

    assert of(repaired, "2", "documents").status == "completed"
    assert of(repaired, "2", "documents").counts.created == 1
    assert of(repaired, "2", "items").counts.created == 2
    assert world.rows("select count(*) from landing.quarantine") == [(1,)]
    assert '"retry": []' in cursor(world, "2")
    world.vendor.keys["key-1"] = world.books["1"]
    assert of(world.night(41), "1", "documents").counts.created == 1


def test_an_invoice_that_answers_500_alone_is_tried_again_by_its_id(world: World):
    document = world.books["1"].documents[2]
    world.books["1"].documents[2] = document | {"items": "broken"}
    world.night(0)
    refusals = (
        error(500, "Server error"),
        error(503, "Down"),
        error(400, "Bad"),
        Answer(b"no JSON"),
    )
    for number, refusal in enumerate(refusals, start=20):
        world.sandbox.fail("/documents/2", *[refusal] * (7 if refusal.status >= 500 else 1))
        assert of(world.night(number), "1", "documents").status == "partial"
    world.books["1"].documents[2] = document
    assert figures(of(world.night(25), "1", "documents")) == (1, 1, 0, 0)

    world.books["1"].documents[2] = document | {"items": "broken again"}
    world.books["1"].modified[2] = FIRST_NIGHT + timedelta(days=25)
    world.night(26)
    del world.books["1"].documents[2]
    assert of(world.night(27), "1", "documents").status == "completed"
    assert '"retry": []' in cursor(world, "1")


def test_an_invoice_without_an_id_keeps_the_days_open_until_it_lands(world: World):
    world.night(0)
    unmoved = cursor(world, "1")
    document = world.issue("1", 9, date(2026, 7, 17))
    for bad in (None, "9", True, 9.5, ["9"]):
        world.books["1"].documents[9] = document | {"id": bad}
        load = of(world.night(1), "1", "documents")
        assert (load.status, load.counts.quarantined) == ("partial", 2)  # once in either pass
    assert cursor(world, "1") == unmoved
    world.books["1"].documents[9] = document
    load = of(world.night(60), "1", "documents")
    assert (load.status, load.counts.created) == ("completed", 1)


def test_running_again_changes_nothing_though_unpaid_invoices_say_paid_today(world: World):
    world.night(0)
    versions = world.rows("select count(*) from landing.billingo__documents")
    for number in (0, 1, 2):
        for load in world.night(number):
            assert load.counts.unchanged == load.counts.received
            assert load.counts.deleted == 0
    assert world.rows("select count(*) from landing.billingo__documents") == versions
    assert world.rows(
        "select distinct payload ->> 'paid_date' from landing.billingo__documents"
    ) == [(None,)]


def test_a_modified_invoice_is_a_new_version_with_its_items_replaced(world: World):
    old = world.issue("1", 7, date(2026, 1, 5))
    world.night(0)
    world.books["1"].keep(old | {"items": old["items"][1:]}, FIRST_NIGHT)
    loads = world.night(1)

    assert of(loads, "1", "documents").counts.updated == 0  # its header is as it was
    assert of(loads, "1", "items").counts.updated == 1
    assert of(loads, "1", "items").counts.deleted == 1
    world.books["1"].keep(old | {"items": [], "comment": "empty"}, FIRST_NIGHT + timedelta(days=1))
    loads = world.night(2)
    assert figures(of(loads, "1", "documents"))[2] == 1
    assert of(loads, "1", "items").counts.deleted == 1


def test_what_happens_to_an_old_invoice_comes_with_the_second_pass(world: World):
    world.issue("1", 7, date(2025, 11, 5))
    world.night(0)
    books = world.books["1"]
    books.pay(7, Decimal("1000.5"), date(2026, 7, 18), FIRST_NIGHT + timedelta(days=1))
    loads = world.night(2)
    assert of(loads, "1", "documents").counts.updated == 1
    assert of(loads, "1", "payments").counts.created == 1

    cancel(books, 7, 8, FIRST_NIGHT + timedelta(days=2))
    books.payments[7] = []
    loads = world.night(3)
    assert figures(of(loads, "1", "documents"))[1:3] == (1, 1)
    assert of(loads, "1", "payments").counts.deleted == 1
    assert world.rows(
        "select payload ->> 'price' from landing.billingo__payments where not is_deleted"
    ) == [("1000.5",)]


def test_invoices_issued_while_pages_are_read_are_landed_once(world: World):
    books = world.books["1"]
    for number in range(100, 450):
        world.issue("1", number)
    late = [world.issue("1", number) for number in range(900, 903)]
    for document in late:
        del books.documents[document["id"]]
    books.drift = late
    load = of(world.night(0), "1", "documents")
    assert load.counts.received == load.counts.created == 353
    assert of(world.night(1), "1", "documents").counts.created == 3


def test_a_list_that_lost_rows_while_it_was_read_is_read_again(world: World):
    for number in range(100, 320):
        world.issue("1", number)
    short = {"data": [], "total": 223, "current_page": 1, "last_page": 1}
    world.sandbox.fail("/documents", Answer(short))
    assert of(world.night(0), "1", "documents").counts.created == 223

    world.sandbox.fail("/documents", *[Answer(short)] * 3)
    load = of(world.night(1, full=True), "1", "documents")
    assert load.status == "failed"
    assert "names 223 rows but gave 0" in load.error


def test_passing_faults_are_retried_and_lasting_ones_name_the_cure(world: World):
    world.sandbox.fail(
        "/documents", error(429, "Too many"), error(500, "Server error"), error(502, "Bad gateway")
    )
    assert of(world.night(0), "1", "documents").status == "completed"
    for status, cure in (
        (402, "renew it, or switch the company off"),
        (403, "give it read scope"),
        (422, "compare its API's changes"),
        (429, "run again later"),
        (500, "the next run goes on"),
    ):
        refusal = invalid("page", "bad") if status == 422 else error(status, "No")
        asked = len(world.sandbox.requests)
        world.vendor.keys["key-1"] = refusal
        load = of(world.night(1, tenant="1"), "1", "documents")
        assert (load.status, cure in load.error) == ("failed", True), load.error
        assert len(world.sandbox.requests) - asked == (7 if status in (429, 500) else 1)


def test_a_company_without_its_key_fails_alone_and_its_variable_is_named(world: World):
    keys = {name: key for name, key in KEYS.items() if name != "BILLINGO_KEY_LENDING"}
    settings = replace(world.settings.billingo, keys=keys)
    world.settings = replace(world.settings, billingo=settings)
    loads = world.night(0)
    assert of(loads, "1", "documents").status == "completed"
    assert of(loads, "3", "documents").status == "completed"
    assert "BILLINGO_KEY_LENDING is not set" in of(loads, "2", "documents").error


def test_one_company_is_synced_alone_in_full_or_not_at_all(world: World, tmp_path: Path):
    world.night(0)
    assert {load.tenant for load in world.night(1, tenant="2")} == {"2"}
    assert of(world.night(50), "1", "documents").counts.received == 3
    assert of(world.night(60), "1", "documents").counts.received == 0
    assert of(world.night(61, full=True), "1", "documents").counts.received == 3
    with pytest.raises(Exception, match="no active company 9 in billingo_companies.csv, only 1, 2"):
        world.night(62, tenant="9")

    (tmp_path / "billingo_companies.csv").write_text(
        "company_id,name,key_variable,is_active,has_payments,has_spendings\n"
        "1,One,BILLINGO_KEY_KEKFENY,false,true,true\n"
        "2,Two,BILLINGO_KEY_LENDING,true,false,true\n"
    )
    world.settings = replace(world.settings, seeds_directory=tmp_path)
    assert set(statuses(world.night(63))) == {
        ("2", "documents"),
        ("2", "items"),
        ("2", "spendings"),
    }


def test_every_key_can_be_checked_without_landing(world: World):
    world.vendor.keys["key-2"] = error(402, "No subscription")
    found = {
        company.company_id: wrong for company, wrong in check(Run(world.settings, FIRST_NIGHT))
    }
    assert (found["1"], found["3"]) == (None, None)
    assert "answered 402" in found["2"] and "renew it" in found["2"]
    lines = list(report_check(Run(world.settings, FIRST_NIGHT)))
    assert lines[0] == (
        True,
        "Company 1 (Kékfény Marketing Kft.): BILLINGO_KEY_KEKFENY is accepted.",
    )
    assert not lines[1][0]
    assert world.rows("select count(*) from landing.load_runs") == [(0,)]
    assert {request.path for request in world.sandbox.requests} == {"/billingo/organization"}


def test_spendings_are_read_again_for_ninety_days(world: World):
    spending = {
        "id": 1,
        "category": "education_and_training",
        "paid_at": None,
        "invoice_date": "2026-06-01",
        "due_date": "2026-06-15",
        "total_gross": Decimal("635000.10"),
        "partner": {"id": 6600012, "iban": None},
    }
    world.books["1"].spendings = [
        *(spending | {"id": number} for number in range(1, 8)),
        spending | {"id": 8, "invoice_date": "2025-06-01", "due_date": "2025-06-15"},
    ]
    assert of(world.night(0), "1", "spendings").counts.created == 8
    world.books["1"].spendings[0] = world.books["1"].spendings[0] | {"paid_at": "2026-07-18"}
    del world.books["1"].spendings[6:]
    load = of(world.night(1), "1", "spendings")
    assert (load.counts.updated, load.counts.deleted) == (1, 1)
    assert of(world.night(2, full=True), "1", "spendings").counts.deleted == 1


def test_a_bad_spending_deletes_nothing_and_holds_the_cursor(world: World):
    rows = [{"id": n, "invoice_date": "2026-06-01", "due_date": "2026-06-15"} for n in range(6)]
    world.books["1"].spendings = rows
    world.night(0)
    world.books["1"].spendings = [*rows[:5], rows[5] | {"id": None}]
    load = of(world.night(1), "1", "spendings")
    assert (load.status, load.counts.deleted, load.counts.quarantined) == ("partial", 0, 1)
    world.books["1"].spendings = rows
    assert of(world.night(400), "1", "spendings").counts.received == 6


def test_texts_and_numbers_are_landed_as_they_came(world: World):
    world.issue("1", 9, comment="Ő\x00 – „idézet”", gross_total=Decimal("154842.10"))
    world.night(0)
    assert world.rows(
        "select payload ->> 'comment', payload ->> 'gross_total',"
        " (select string_agg(payload ->> 'vat', ' ' order by source_key)"
        "  from landing.billingo__items where payload ->> 'document_id' = '9')"
        " from landing.billingo__documents where source_key = '9'"
    ) == [("Ő – „idézet”", "154842.10", "27% 5,5%")]


def test_no_key_is_written_anywhere(world: World, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    world.vendor.keys["key-1"] = unauthorized()
    loads = world.night(0)
    kept = repr(world.rows("select * from landing.load_runs")) + repr(world.settings) + caplog.text
    assert of(loads, "1", "documents").status == "failed"
    assert "key-1" not in kept and "key-2" not in kept
    assert not any("key-" in repr(request.query) for request in world.sandbox.requests)


def test_the_report_says_what_the_sync_log_says(world: World):
    world.night(0)
    world.vendor.keys["key-1"] = unauthorized()
    world.issue("2", 1009, date(2026, 7, 17))
    world.issue("2", 1010, date(2026, 7, 17), items=None)
    loads = world.night(1)
    lines = list(report_sync(Run(world.settings, FIRST_NIGHT), loads))
    text = "\n".join(lines)

    assert lines[0] == "[1/3] Kékfény Marketing Kft. (ID: 1)"
    assert lines[2] == "  Status: failed"
    assert lines[9] == "  Errors: 1"
    assert "make a new one in Billingo and set BILLINGO_KEY_KEKFENY" in lines[10]
    assert lines[12:22] == [
        "[2/3] Kékfény Lending Kft. (ID: 2)",
        "-" * 40,
        "  Status: partial",
        "  Processed: 5 invoices",
        "  Created: 1",
        "  Updated: 0",
        "  Skipped: 3",
        "  Items: 8",
        "  Duration: 0 seconds",
        "  Errors: 1",
    ]
    assert "  Successful: 1\n  Partial: 1\n  Failed: 1\n  Total invoices: 8\n" in text
