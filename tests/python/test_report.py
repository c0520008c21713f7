"""What the command line says of figures: whole months, every entry, and what priced it."""

from dataclasses import replace
from decimal import Decimal

import psycopg
import pytest

from ingestion.settings import Settings
from orchestration import report
from tests.python import golden
from tests.python.conftest import book

SCENARIO = golden.GOLDEN / "lead_ledger/worked/10_price_edited"


@pytest.fixture
def corrected(settings: Settings) -> Settings:
    """Settings of a warehouse in which the price of a sale was corrected."""
    with psycopg.connect(**settings.billing_db.parameters()) as source:
        for day, now in golden.days(SCENARIO):
            golden.load_day(source, day)
            golden.night(settings, now)
    return replace(settings, now=now)


def test_explain_shows_every_entry_and_what_the_source_said_of_its_price(
    corrected: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = golden.query(
        corrected,
        "select entry_key, list_amount, amount, price_version_id from marts.fct_ledger_entries"
        " where entry_key in (select entry_key from marts.fct_ledger_entries"
        "   where entry_kind = 'reversal') order by recorded_at, amount",
    )
    assert len({entry["price_version_id"] for entry in entries}) == 2
    assert report.show_entry_key(corrected, entries[0]["entry_key"])
    said = capsys.readouterr().out
    assert all(entry["amount"] in said for entry in entries)
    assert all(entry["price_version_id"] in said for entry in entries)
    assert all(f'"price": {entry["list_amount"].lstrip("-")}' in said for entry in entries)
    assert f"billed now: {sum(Decimal(entry['amount']) for entry in entries)} USD" in said
    assert "…" not in said


def test_explain_says_that_a_key_is_unknown(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not report.show_entry_key(settings, "mortgage:land:4711")
    assert "No entry and no exception has the key mortgage:land:4711." in capsys.readouterr().err


def test_the_summary_of_revenue_has_whole_months(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, day in enumerate(("2024-10-31", "2024-11-01", "2025-02-09")):
        book(settings, number=number, day=day)
    golden.publish(settings)
    report.show_revenue(settings)
    said = capsys.readouterr().out
    assert all(month in said for month in ("2024-11", "2025-02"))
    assert "2024-10" not in said
