"""Invoices of a closed month as QuickBooks imports them."""

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.dbt import read_marts
from orchestration.msp_invoices import COLUMNS, InvoiceError, write_invoices
from orchestration.publish import publish
from tests.python import golden
from tests.python.msp import Msp, night, serve
from tests.python.test_msp_bills import HISTORY

TOTALS = (
    "select account_number, total from marts.rpt_msp_bills where bill_month = '2025-01-01'"
    " and total != 0"
)


def test_invoices_of_a_month_add_up_and_stay_the_same(vendors: Msp, tmp_path: Path) -> None:
    serve(vendors.stores, HISTORY / "2025-03-10")
    night(vendors, "2025-03-10", HISTORY / "2025-03-10" / "seeds", "2024-12")
    settings = vendors.settings
    publish(vendors.connection, settings, read_marts(settings))

    first = {path.name: path.read_bytes() for path in write_invoices(settings, "202501", tmp_path)}
    again = {path.name: path.read_bytes() for path in write_invoices(settings, "202501", tmp_path)}
    assert first == again
    assert sorted(path.name for path in (tmp_path / "202501").iterdir()) == sorted(first)

    totals = {row["account_number"]: row["total"] for row in golden.query(settings, TOTALS)}
    assert {name.split("-")[0] for name in first} == set(totals)
    for account, total in totals.items():
        with (tmp_path / "202501" / f"{account}-202501.csv").open(newline="") as file:
            lines = list(csv.DictReader(file))
        assert list(lines[0]) == list(COLUMNS)
        assert sum(Decimal(line["Amount"]) for line in lines) == Decimal(total)
        for line in lines:
            assert line["InvoiceNo"] == f"{account}-202501"
            assert (line["InvoiceDate"], line["DueDate"]) == ("2025-01-31", "2025-03-02")

    alone = write_invoices(settings, "202501", tmp_path / "one", account="800005")
    assert [path.name for path in alone] == ["800005-202501.csv"]
    for month, account, message in (
        ("202503", None, "2025-03 is not closed"),
        ("202501", "nobody", "no bill of nobody"),
        ("2025-1", None, "is no month"),
    ):
        with pytest.raises(InvoiceError, match=message):
            write_invoices(settings, month, tmp_path, account)
