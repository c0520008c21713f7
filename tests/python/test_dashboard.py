"""The dashboard, as a real browser shows it: right to the cent, alone, and legible on a phone."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import expect

from ingestion.environment import SettingsError
from ingestion.settings import Settings
from ingestion.warehouse import connect
from orchestration.dashboard import read_panels, write_dashboard
from orchestration.dbt import read_marts
from orchestration.publish import publish
from tests.python.browser import browser_page, needs_chromium

ENTRY = (
    "insert into marts.fct_ledger_entries (entry_id, entry_key, entry_kind, deal_type,"
    " business_unit, component, account_id, source, source_key, quantity, list_amount,"
    " discount_amount, amount, currency, reason, occurred_at, recorded_at) values"
    " (%s, %s, %s, %s, 'leads', %s, %s, 'billing_db', 'x', 1, %s, 0, %s, %s, %s, %s, %s)"
)
HOSTILE = "broker:</script><img src=x onerror='document.title=1'>"
NOW = datetime(2025, 3, 1, 0, 5)


@pytest.fixture
def published(settings: Settings) -> Settings:
    """A warehouse with figures of two months and two currencies, a refund and a correction."""
    entries = [
        (
            "a",
            "booking",
            "mortgage_lead",
            "sale",
            "broker:1",
            "1000.10",
            "USD",
            "new",
            (2025, 1, 5),
        ),
        ("b", "booking", "cpa", "conversion", HOSTILE, "0.07", "USD", "new", (2025, 2, 5)),
        ("c", "booking", "cpa", "refund", "broker:2", "-3.33", "USD", "new", (2025, 2, 6)),
        ("d", "booking", "drip", "sale", "broker:2", "20.00", "USD", "new", (2025, 2, 7)),
        ("d", "reversal", "drip", "sale", "broker:2", "-20.00", "USD", "corrected", (2025, 2, 7)),
        ("d", "booking", "drip", "sale", "broker:2", "19.99", "USD", "corrected", (2025, 2, 7)),
        ("e", "booking", "drip", "sale", "broker:2", "7.00", "EUR", "new", (2025, 2, 8)),
    ]
    with connect(settings) as connection:
        for number, (key, kind, deal, component, account, amount, *rest) in enumerate(entries):
            currency, reason, day = rest
            connection.execute(
                ENTRY,
                (f"{key}:{number}", key, kind, deal, component, account)
                + (amount, amount, currency, reason, datetime(*day), NOW),
            )
        publish(connection, settings, read_marts(settings))
    return settings


def net(settings: Settings) -> dict[str, Decimal]:
    with connect(settings) as connection:
        rows = connection.execute("select currency, sum(net) from analytics.revenue group by 1")
        return dict(rows.fetchall())


@needs_chromium
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_ties_to_revenue_and_needs_nothing_else(
    published: Settings, tmp_path: Path, width: int
) -> None:
    path = write_dashboard(published, tmp_path / "dashboard.html")
    expected = net(published)
    assert expected == {"USD": Decimal("1016.83"), "EUR": Decimal("7.00")}
    drawn = {panel.name for panel in read_panels() if panel.chart}
    with browser_page(width) as page:
        page.goto(path.as_uri())
        page.wait_for_selector("#revenue_by_deal_type svg")
        for currency, amount in expected.items():
            page.get_by_role("button", name=currency).click()
            shown = page.locator("#key_figures > div:visible", has_text="all time")
            assert shown.locator(".amount").inner_text().split() == [f"{amount:,}", currency]
            page.locator("#revenue_by_deal_type details").evaluate("part => part.open = true")
            cells = page.locator("#revenue_by_deal_type tbody tr:visible td:last-child")
            assert sum(map(Decimal, map(plain, cells.all_inner_texts()))) == amount
            # A bar for every month and deal type of the currency.
            bars = page.locator("#revenue_by_deal_type svg .mark-rect path")
            expect(bars).to_have_count({"USD": 3, "EUR": 1}[currency])
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.title() == "ledgerhouse: revenue and operations"
        assert page.locator("#top_accounts tbody").inner_html().count("&lt;/script&gt;") == 1
        empty = [
            name for name in drawn if page.locator(f"#{name}").count() and not drawing(page, name)
        ]
        assert not empty


def drawing(page, name: str) -> bool:
    place = page.locator(f"#{name}")
    return place.locator("svg").count() == 1 or "Nothing so far" in place.inner_text()


def plain(number: str) -> str:
    return number.replace(",", "")


def test_a_panel_whose_relation_is_not_built_is_left_out_and_named(
    published: Settings, tmp_path: Path
) -> None:
    with connect(published) as connection:
        connection.execute("drop table analytics.ledger_exceptions")
    page = write_dashboard(published, tmp_path / "dashboard.html").read_text()
    assert 'id="exceptions"' not in page
    assert "ledger_exceptions" in page.partition("Not built here:")[2]


def test_a_failed_run_and_a_late_job_stand_on_the_page(published: Settings, tmp_path: Path) -> None:
    with connect(published) as connection:
        connection.execute(
            "insert into landing.job_runs (job, status, clock, started_at, finished_at, error)"
            " values"
            " ('nightly', 'failed', now(), clock_timestamp(), clock_timestamp(), 'a test failed')"
        )
        connection.execute(
            "insert into landing.schedules values ('tickets', '0 3 * * *', 8,"
            " now() - interval '9 h')"
        )
    page = write_dashboard(published, tmp_path / "dashboard.html").read_text()
    assert "These figures were left as they were: nightly failed on" in page
    assert "tickets is late" in page


def test_without_a_publication_it_says_what_to_do(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Nothing is published to elsewhere yet"):
        write_dashboard(replace(settings, published_schema="elsewhere"), tmp_path / "page.html")
